using System.Text;
using System.Text.Json.Nodes;
using FalconMamba.Tokenization.Normalizers;

namespace FalconMamba.Tests.Tokenization;

public class NormalizerTests
{
    [Theory]
    [InlineData(NormalizationForm.FormC, "e\u0301", "\u00E9")]
    [InlineData(NormalizationForm.FormC, "\u00E9\u0323", "\u1EB9\u0301")]
    [InlineData(NormalizationForm.FormC, "q\u0307\u0323", "q\u0323\u0307")]
    [InlineData(NormalizationForm.FormC, "\u212B", "\u00C5")]
    [InlineData(NormalizationForm.FormC, "\u0958", "\u0915\u093C")]
    [InlineData(NormalizationForm.FormC, "\u1112\u1161\u11AB", "\uD55C")]
    [InlineData(NormalizationForm.FormC, "a\u0327\u0301\u0300", "\u00E1\u0327\u0300")]
    [InlineData(NormalizationForm.FormC, "\u0301e", "\u0301e")]
    [InlineData(NormalizationForm.FormC, "\uFB01\u00B2", "\uFB01\u00B2")]
    [InlineData(NormalizationForm.FormC, "\U0001D15E", "\U0001D157\U0001D165")]
    [InlineData(NormalizationForm.FormC, "\U00011099\U000110BA", "\U0001109A")]
    [InlineData(NormalizationForm.FormD, "\u1EC7\uD55C", "e\u0323\u0302\u1112\u1161\u11AB")]
    [InlineData(NormalizationForm.FormKC, "\uFB01\u00B2\u2167\uFF21", "fi2VIIIA")]
    [InlineData(NormalizationForm.FormKC, "\u1E9B\u0323", "\u1E69")]
    [InlineData(NormalizationForm.FormKD, "\u1E9B\u0323", "s\u0323\u0307")]
    public void Normal_forms_are_those_of_the_standard(NormalizationForm form, string text, string expected)
    {
        Assert.Equal(expected, new UnicodeNormalizer(form).Normalize(text));
        Assert.Equal(expected, new UnicodeNormalizer(form).Normalize(expected));
    }

    [Fact]
    public void Marks_without_number_are_sorted_in_good_time()
    {
        var marks = string.Concat(Enumerable.Repeat("\u0301\u0323", 50_000));
        Assert.Equal("\u1EB9\u0301", new UnicodeNormalizer(NormalizationForm.FormC).Normalize("e" + marks).Replace("\u0323", "", StringComparison.Ordinal)[..2]);
    }

    [Fact]
    public void Lower_case_knows_all_scripts_and_no_language() =>
        Assert.Equal("i\u0307i\u0436\u03C3\u03C3\u00DF\U00010428", new LowercaseNormalizer().Normalize("\u0130I\u0416\u03A3\u03C3\u00DF\U00010400"));

    [Fact]
    public void Offsets_lead_back_to_the_text_before()
    {
        var tokenizer = TestTokenizers.With(static json => json["normalizer"] = new JsonObject
        {
            ["type"] = "Sequence",
            ["normalizers"] = new JsonArray(new JsonObject { ["type"] = "NFC" }, new JsonObject { ["type"] = "Lowercase" }),
        });
        var actual = tokenizer.Tokenize("E\u0301AB");
        Assert.Equal(["\u00C3", "\u00A9", "ab"], actual.Tokens);
        Assert.Equal([0..1, 0..1, 2..4], actual.Offsets);
    }
}
