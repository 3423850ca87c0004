using System.Text.Json;
using FalconMamba.Model;
using FalconMamba.Quantization;

namespace FalconMamba.Cli.Tests;

public class PlanTests
{
    [Fact]
    public void A_shape_takes_the_memory_that_its_checkpoint_would()
    {
        using var folder = new TemporaryFolder();
        Falcon.Output("synth", folder["a.gguf"], "--shape", "130m", "--type", "Q4_K_M", "--layers", "2");
        using var weights = ModelWeights.Open(folder["a.gguf"]);
        var memory = MemoryEstimate.Of(weights);
        Assert.Equal(memory, MemoryEstimate.Of(weights.Config, QuantizationMix.Find("Q4_K_M")!));

        using var here = Json("plan", folder["a.gguf"], "--probe", "0", "--sequences", "3");
        var row = here.RootElement.GetProperty("types")[0];
        Assert.Equal(("Q4_K_M", true), (here.RootElement.GetProperty("type").GetString(), here.RootElement.GetProperty("fits").GetBoolean()));
        Assert.Equal(memory.Total + (2 * memory.State), row.GetProperty("memory").GetProperty("total").GetInt64());
        Assert.Equal(weights.ByteLength - weights.Embeddings.ByteLength + (6 * memory.State), row.GetProperty("bytes_per_step").GetInt64());
        Assert.False(row.TryGetProperty("reading_tokens_per_second", out _));
    }

    [Theory]
    [InlineData("100", "BF16", true)]
    [InlineData("10", "Q8_0", true)]
    [InlineData("5", "Q4_K_M", true)]
    [InlineData("2", "Q4_0", false)]
    public void The_largest_type_that_fits_is_advised(string gigabytes, string type, bool fits)
    {
        using var json = Json("plan", "7B", "--memory", gigabytes, "--probe", "0");
        Assert.Equal((type, fits), (json.RootElement.GetProperty("type").GetString(), json.RootElement.GetProperty("fits").GetBoolean()));
    }

    [Fact]
    public void What_does_not_fit_is_told_with_what_would()
    {
        Assert.Contains("does not fit; Q8_0 would", Falcon.Output("plan", "7b", "--dtype", "bf16", "--memory", "10", "--probe", "0"), StringComparison.Ordinal);
        Assert.Contains("does not fit, nor does a smaller type", Falcon.Output("plan", "7b", "--memory", "1", "--probe", "0"), StringComparison.Ordinal);
        Assert.Contains("try fewer sequences", Falcon.Output("plan", "7b", "--memory", "10", "--probe", "0", "--sequences", "1000"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_document_is_counted_or_estimated()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["text"], "First Citizen:\nBefore we proceed any further, hear me speak.\n");
        using var counted = Json("plan", Falcon.Model, "--document", folder["text"], "--probe", "0");
        var document = counted.RootElement.GetProperty("document");
        var ids = Falcon.Output("tokenize", Falcon.Model, File.ReadAllText(folder["text"])).Split(' ').Length;
        Assert.Equal((ids, false), (document.GetProperty("tokens").GetInt32(), document.GetProperty("estimated").GetBoolean()));
        using var estimated = Json("plan", "130m", "--document", folder["text"], "--probe", "0");
        document = estimated.RootElement.GetProperty("document");
        Assert.Equal((16, true), (document.GetProperty("tokens").GetInt32(), document.GetProperty("estimated").GetBoolean()));
    }

    [Fact]
    public void Speeds_come_from_this_machine()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["text"], "First Citizen:");
        var text = Falcon.Output("plan", Falcon.Model, "--probe", "0.01", "--document", folder["text"]);
        Assert.Contains("at most", text, StringComparison.Ordinal);
        Assert.Contains("read in no less than", text, StringComparison.Ordinal);
        using var json = Json("plan", "130m", "--probe", "0.01");
        Assert.True(json.RootElement.GetProperty("machine").GetProperty("bandwidth_bytes_per_s").GetDouble() > 0);
        foreach (var row in json.RootElement.GetProperty("types").EnumerateArray())
        {
            Assert.True(row.GetProperty("reading_tokens_per_second").GetDouble() > 0);
            Assert.True(row.GetProperty("generating_tokens_per_second").GetDouble() > 0);
        }
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        Falcon.Fails(2, "--dtype takes", "plan", "7b", "--dtype", "Q3");
        Falcon.Fails(2, "--sequences takes", "plan", "7b", "--sequences", "0");
        Falcon.Fails(1, "was not found", "plan", "7b", "--document", "absent-file");
        Falcon.Fails(1, "There is no folder", "plan", "8b");
    }

    private static JsonDocument Json(params string[] args) => JsonDocument.Parse(Falcon.Output([.. args, "--json"]));
}
