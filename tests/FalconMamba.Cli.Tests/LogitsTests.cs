using FalconMamba.Formats.Safetensors;

namespace FalconMamba.Cli.Tests;

public class LogitsTests
{
    [Fact]
    public void Shapes_are_those_of_the_request()
    {
        using var folder = new TemporaryFolder();
        Falcon.Output("logits", Falcon.Model, "--ids", "5,6,7,8", "--out", folder["all"], "--hidden", "--state");
        Falcon.Output("logits", Falcon.Model, "--ids", "5,6,7,8", "--out", folder["last"], "--hidden", "--last", "--prefill", "3");
        using var all = SafetensorsFile.Open(folder["all"]);
        using var last = SafetensorsFile.Open(folder["last"]);
        Assert.Equal([4, 2048], all.Tensors["logits"].Shape);
        Assert.Equal([4, 256], all.Tensors["hidden.7"].Shape);
        Assert.Equal([3, 512], all.Tensors["state.5.conv"].Shape);
        Assert.Equal([512, 16], all.Tensors["state.5.ssm"].Shape);
        Assert.Equal(1 + 8 + 12, all.Tensors.Count);
        Assert.Equal(1 + 8, last.Tensors.Count);
        foreach (var tensor in last.InFileOrder)
            Assert.Equal(all.Tensors[tensor.Name].ToSingle()[^(int)tensor.ElementCount..], tensor.ToSingle());
    }

    [Fact]
    public void Prompts_come_as_ids_in_any_notation_and_as_text()
    {
        using var folder = new TemporaryFolder();
        var ids = Falcon.Output("tokenize", Falcon.Model, "ROMEO:\n").Trim();
        File.WriteAllText(folder["lines"], ids.Replace(" ", "\r\n", StringComparison.Ordinal));
        File.WriteAllText(folder["json"], $"[{ids.Replace(" ", ", ", StringComparison.Ordinal)}]\n");
        Falcon.Output("logits", Falcon.Model, "--ids", ids, "--out", folder["expected"]);
        foreach (var source in (string[][])[["--ids-file", folder["lines"]], ["--ids-file", folder["json"]], ["-p", "ROMEO:\n"], ["-p", "-"]])
        {
            Falcon.OutputFor("ROMEO:\n", ["logits", Falcon.Model, "--out", folder["actual"], .. source]);
            Assert.Equal(File.ReadAllBytes(folder["expected"]), File.ReadAllBytes(folder["actual"]));
        }
    }

    [Fact]
    public void Bad_input_is_refused_and_writes_nothing()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["bad"], "[1, -2]");
        var result = folder["out"];
        Falcon.Fails(2, "--out", "logits", Falcon.Model, "--ids", "1");
        Falcon.Fails(2, "one of --ids, --ids-file and -p", "logits", Falcon.Model, "--out", result);
        Falcon.Fails(2, "one of --ids, --ids-file and -p", "logits", Falcon.Model, "--out", result, "--ids", "1", "-p", "a");
        Falcon.Fails(2, "--ids has \"x\"", "logits", Falcon.Model, "--out", result, "--ids", "1,x");
        Falcon.Fails(2, "no tokens", "logits", Falcon.Model, "--out", result, "--ids", "");
        Falcon.Fails(2, "--prefill takes parallel, sequential or a whole number from 1 to 16384", "logits", Falcon.Model, "--out", result, "--ids", "1", "--prefill", "0");
        Falcon.Fails(1, "\"-2\", which is no token id", "logits", Falcon.Model, "--out", result, "--ids-file", folder["bad"]);
        Falcon.Fails(1, "Token 2048 is not in the vocabulary", "logits", Falcon.Model, "--out", result, "--ids", "2048");
        Falcon.Fails(1, "Token 2048 is not in the vocabulary", "logits", Falcon.Model, "--out", result, "--ids", "2048", "--reference");
        Falcon.Fails(1, "there is no folder", "logits", Falcon.Model, "--out", folder["absent/out"], "--ids", "1");
        Falcon.Fails(1, "is a folder", "logits", Falcon.Model, "--out", folder.Root, "--ids", "1");
        Assert.Equal(["bad"], Directory.EnumerateFileSystemEntries(folder.Root).Select(Path.GetFileName));
    }
}
