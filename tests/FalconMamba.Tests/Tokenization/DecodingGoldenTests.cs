using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Tokenization;

[Trait("Category", "Golden")]
public class DecodingGoldenTests
{
    [Fact]
    public void Arbitrary_ids_decode_as_in_the_reference() =>
        FixtureFolder.ForEach(TokenizerFixtures.Goldens, static folder => TokenizerFixtures.Rows(folder, "decode_ids"), isPart: true, check: static row =>
        {
            Assert.Equal(row.Text("decoded"), row.Tokenizer.Decode(row.Ids()));
            Assert.Equal(row.Text("decoded_skip_special"), row.Tokenizer.Decode(row.Ids(), skipSpecialTokens: true));
        });

    [Fact]
    public void Streams_give_each_character_as_soon_as_it_is_complete() =>
        FixtureFolder.ForEach(TokenizerFixtures.Goldens, static folder => TokenizerFixtures.Rows(folder, "stream"), isPart: true, check: static row =>
        {
            var skip = row.Element.GetProperty("skip_special").GetBoolean();
            var stream = new TextStream(row.Tokenizer, skip);
            Assert.Equal(row.Texts("byte_pieces"), row.Ids().Select(stream.Append));
            Assert.Equal(row.Text("byte_flush"), stream.Flush());
            Assert.Equal(row.Text("decoded"), string.Concat(row.Tokenizer.Stream(row.Ids(), skip)));
        });

    [Fact]
    public void The_old_clean_up_is_the_reference_one() =>
        FixtureFolder.ForEach(TokenizerFixtures.Goldens, static folder => TokenizerFixtures.Rows(folder, "clean_up"), isPart: true,
            check: static row => Assert.Equal(row.Text("cleaned"), Tokenizer.CleanUpSpaces(row.Text("text"))));
}
