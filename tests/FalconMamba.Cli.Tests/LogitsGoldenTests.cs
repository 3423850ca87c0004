using FalconMamba.Formats.Safetensors;
using FalconMamba.Tests.Model;

namespace FalconMamba.Cli.Tests;

[Trait("Category", "Golden")]
public class LogitsGoldenTests
{
    [Fact]
    public void Files_hold_the_reference_logits_hidden_states_and_states() => GoldenModel.ForEach(golden =>
    {
        using var folder = new TemporaryFolder();
        var worst = 0.0;
        foreach (var length in golden.Lengths)
        {
            File.WriteAllText(folder["ids"], string.Join(length % 2 == 0 ? ", " : "\n", golden.Ids($"len{length}.ids")));
            Falcon.Output("logits", golden.Folder, "--ids-file", folder["ids"], "--out", folder["fast"], "--hidden", "--state", "--exact");
            worst = Math.Max(worst, Compare(golden, length, folder["fast"]));
        }

        FixtureFolder.Report($"  {Path.GetFileName(golden.Folder)}: largest error {worst:P1} of the bound");
    });

    [Fact]
    public void The_reference_gives_them_to_the_last_bits() => GoldenModel.ForEach(golden =>
    {
        using var folder = new TemporaryFolder();
        foreach (var length in golden.Lengths.Where(length => length <= 64))
        {
            var ids = string.Join(',', golden.Ids($"len{length}.ids"));
            Falcon.Output("logits", golden.Folder, "--ids", ids, "--out", folder["exact"], "--hidden", "--state", "--reference");
            Assert.InRange(Compare(golden, length, folder["exact"]), 0, 0.05);
        }
    });

    [Fact]
    public void Neither_chunks_nor_threads_change_a_bit() => GoldenModel.ForEach(golden =>
    {
        using var folder = new TemporaryFolder();
        foreach (var length in golden.Lengths)
        {
            string[] args = ["logits", golden.Folder, "--ids", string.Join(',', golden.Ids($"len{length}.ids")), "--hidden", "--state", "--deterministic"];
            Falcon.Output([.. args, "--out", folder["whole"]]);
            var whole = File.ReadAllBytes(folder["whole"]);
            foreach (var size in (int[])[1, 3, 7, 64])
            {
                if (size >= 2 * length) continue;
                Falcon.Output([.. args, "--out", folder["chunked"], "--prefill", $"{size}"]);
                Assert.True(whole.AsSpan().SequenceEqual(File.ReadAllBytes(folder["chunked"])), $"chunks of {size} change the answer for {length} tokens");
            }

            foreach (var threads in (int[])[1, 2, 3, 7])
            {
                Falcon.Output([.. args, "--out", folder["threaded"], "-t", $"{threads}"]);
                Assert.True(whole.AsSpan().SequenceEqual(File.ReadAllBytes(folder["threaded"])), $"{threads} threads change the answer for {length} tokens");
            }
        }
    });

    private static double Compare(GoldenModel golden, int length, string path)
    {
        using var file = SafetensorsFile.Open(path);
        var logits = file.Tensors["logits"];
        Assert.Equal(length, logits.Shape[0]);
        var stored = golden.Values($"len{length}.logits").Length;
        var worst = golden.Compare($"len{length}.logits", logits.ToSingle().AsSpan(^stored..));
        foreach (var name in file.Tensors.Keys.Where(name => name != "logits"))
        {
            if (golden.Has($"len{length}.{name}")) worst = Math.Max(worst, golden.Compare($"len{length}.{name}", file.Tensors[name].ToSingle()));
            else Assert.StartsWith("hidden.", name, StringComparison.Ordinal);
        }

        Assert.Equal(golden.Has($"len{length}.hidden.0"), file.Tensors.Keys.Any(name => name.StartsWith("hidden.", StringComparison.Ordinal) && golden.Has($"len{length}.{name}")));
        return worst;
    }
}
