using System.Text.Json;
using FalconMamba.Formats.Safetensors;

namespace FalconMamba.Cli.Tests;

/// <summary>MODEL as a GGUF file, in every verb.</summary>
public class GgufTests
{
    private static readonly string Model = Directory.EnumerateFiles(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "gguf"), "*.gguf").Order(StringComparer.Ordinal).First();

    [Fact]
    public void Inspect_shows_metadata_types_and_where_the_epsilon_comes_from()
    {
        using var json = JsonDocument.Parse(Falcon.Output("inspect", Model, "--json"));
        var root = json.RootElement;
        Assert.Equal("gguf", root.GetProperty("format").GetString());
        Assert.Equal("mamba", root.GetProperty("metadata").GetProperty("general.architecture").GetString());
        Assert.Contains("llama.cpp", root.GetProperty("mixer_rms_eps_source").GetString(), StringComparison.Ordinal);
        Assert.Equal(root.GetProperty("tensor_count").GetInt32(), root.GetProperty("types").EnumerateArray().Sum(type => type.GetProperty("tensors").GetInt32()));
        Assert.Contains("mamba.ssm.inner_size", Falcon.Output("inspect", Model), StringComparison.Ordinal);
        Assert.Contains("--mixer-eps", Falcon.Output("inspect", Model, "--mixer-eps", "1e-6"), StringComparison.Ordinal);
    }

    [Fact]
    public void Exact_logits_follow_the_reference_and_eight_bits_come_near()
    {
        using var folder = new TemporaryFolder();
        string[] prompt = ["logits", Model, "--ids", "20,21,22,23,24,25,26,27,28"];
        Falcon.Output([.. prompt, "--out", folder["reference"], "--reference"]);
        Falcon.Output([.. prompt, "--out", folder["exact"], "--exact"]);
        Falcon.Output([.. prompt, "--out", folder["fast"]]);
        Falcon.Output([.. prompt, "--out", folder["chunked"], "--prefill", "2", "-t", "1", "--deterministic"]);
        var reference = Logits(folder["reference"]);
        var largest = reference.Max(Math.Abs);
        Assert.InRange(Distance(reference, Logits(folder["exact"])), 0, 5e-5 * Math.Max(1, largest / 10));
        Assert.InRange(Distance(reference, Logits(folder["fast"])), 1e-6, 0.05 * largest);
        Assert.Equal(Logits(folder["fast"]), Logits(folder["chunked"]));
    }

    [Fact]
    public void Another_epsilon_changes_kernels_and_reference_alike()
    {
        using var folder = new TemporaryFolder();
        string[] prompt = ["logits", Model, "--ids", "20,21,22", "--mixer-eps", "0.01"];
        Falcon.Output([.. prompt, "--out", folder["reference"], "--reference"]);
        Falcon.Output([.. prompt, "--out", folder["exact"], "--exact"]);
        Falcon.Output("logits", Model, "--ids", "20,21,22", "--exact", "--out", folder["stated"]);
        Assert.InRange(Distance(Logits(folder["reference"]), Logits(folder["exact"])), 0, 5e-5);
        Assert.InRange(Distance(Logits(folder["stated"]), Logits(folder["exact"])), 1e-4, double.MaxValue);
    }

    [Fact]
    public void Bench_and_sessions_take_a_file_too()
    {
        Assert.Contains("| pp4 |", Falcon.Output("bench", Model, "-p", "4", "-n", "0", "-r", "1"), StringComparison.Ordinal);
        Falcon.Fails(1, "only folders", "convert", Model, "unused", "--type", "F32");
    }

    [Fact]
    public void What_is_no_model_is_refused_in_one_sentence()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["page.gguf"], "<html>not found</html>");
        File.WriteAllText(folder["model.bin"], "x");
        Falcon.Fails(1, "page.gguf", "inspect", folder["page.gguf"]);
        Falcon.Fails(1, "no .gguf file", "inspect", folder["model.bin"]);
        Falcon.Fails(1, "There is no file", "inspect", folder["absent.gguf"]);
        Falcon.Fails(2, "--mixer-eps takes", "inspect", Model, "--mixer-eps", "0");
    }

    private static float[] Logits(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Tensors["logits"].ToSingle();
    }

    private static double Distance(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();
}
