using System.Globalization;
using System.Reflection;

namespace FalconMamba.Tests.FromPython;

/// <summary>docs/from-python.md shows C# that is compiled and runs, with small models in place of the published ones.</summary>
public class ExampleTests
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";
    private const string PageUsings = "using FalconMamba;\nusing FalconMamba.ChatTemplates;";

    [Fact]
    public void The_page_shows_what_is_run()
    {
        Assert.Equal([PageUsings, .. Bodies().Select(body => body.Text)], Blocks());
    }

    [Fact]
    public async Task What_the_page_shows_runs()
    {
        using var cache = new TemporaryFolder();
        var shipped = Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m");
        AddModel(cache, "tiiuae/falcon-mamba-7b", shipped);
        AddModel(cache, "tiiuae/falcon-mamba-7b-instruct", shipped);
        SmallGguf.Write(Path.Combine(Snapshot(cache, "tiiuae/falcon-mamba-7b-instruct-Q4_K_M-GGUF"), "falcon-mamba-7B-instruct-Q4_K_M.gguf"), "Q4_K_M");

        var (status, output) = await ChildRun.Of<Probe>(["-explicit", "only"], ("HF_HUB_CACHE", cache.Root), ("HF_HUB_OFFLINE", "1"));
        Assert.True(status == 0 && output.Contains("Total: 1, Errors: 0, Failed: 0, Skipped: 0", StringComparison.Ordinal), output);
    }

    /// <summary>What the child runs: the user's cache is then one with small models under the published names.</summary>
    public class Probe
    {
        private static readonly Dictionary<string, string> Beginnings = new()
        {
            [nameof(Examples.Announcement)] = "Hello world, today",
            [nameof(Examples.AnnouncementIn4Bits)] = "Hello world, today",
            [nameof(Examples.Processor)] = "Question: How many hours in one day? Answer: ",
            [nameof(Examples.BestDevice)] = "Question: How many hours in one day? Answer: ",
            [nameof(Examples.Compilation)] = "Question: How many hours in one day? Answer: ",
            [nameof(Examples.HalfPrecision)] = "Question: How many hours in one day? Answer: ",
            [nameof(Examples.FourBits)] = "Question: How many hours in one day? Answer: ",
            [nameof(Examples.Dequantisation)] = "BF16",
            [nameof(Examples.Chat)] = "<|im_start|>user\nHow many helicopters can a human eat in one sitting?<|im_end|>\n<|im_start|>assistant\n",
            [nameof(Examples.TextGeneration)] = "Explain the difference between transformers and SSMs",
        };

        [Fact(Explicit = true)]
        public void Every_example_writes_what_it_should()
        {
            var console = Console.Out;
            foreach (var (name, _) in Bodies())
            {
                using var written = new StringWriter(CultureInfo.InvariantCulture);
                Console.SetOut(written);
                try
                {
                    typeof(Examples).GetMethod(name)!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, null, null);
                }
                finally
                {
                    Console.SetOut(console);
                }

                Assert.StartsWith(Beginnings.GetValueOrDefault(name, ""), written.ToString(), StringComparison.Ordinal);
                Assert.True(written.ToString().Trim().Length > 0, $"{name} wrote nothing.");
            }
        }
    }

    private static void AddModel(TemporaryFolder cache, string id, string source)
    {
        var snapshot = Snapshot(cache, id);
        foreach (var file in Directory.EnumerateFiles(source)) File.Copy(file, Path.Combine(snapshot, Path.GetFileName(file)));
    }

    // A snapshot as an older tool leaves it: a branch, its commit, and the files themselves.
    private static string Snapshot(TemporaryFolder cache, string id)
    {
        var repository = cache[$"models--{id.Replace("/", "--", StringComparison.Ordinal)}"];
        Directory.CreateDirectory(Path.Combine(repository, "refs"));
        File.WriteAllText(Path.Combine(repository, "refs", "main"), Commit);
        return Directory.CreateDirectory(Path.Combine(repository, "snapshots", Commit)).FullName;
    }

    private static string[] Lines(params string[] path) => File.ReadAllLines(Path.Combine([FixtureFolder.Repository, .. path]));

    private static List<(string Name, string Text)> Bodies()
    {
        const string Start = "    public static void ", Margin = "        ";
        var bodies = new List<(string, string)>();
        var lines = Lines("tests", "FalconMamba.Tests", "FromPython", "Examples.cs");
        for (var i = 0; i < lines.Length; i++)
        {
            if (!lines[i].StartsWith(Start, StringComparison.Ordinal)) continue;
            var name = lines[i][Start.Length..^"()".Length];
            var body = lines[(i + 2)..Array.IndexOf(lines, "    }", i)].Select(line => line.Length > 0 ? line[Margin.Length..] : line);
            bodies.Add((name, string.Join('\n', body)));
        }

        return bodies;
    }

    private static List<string> Blocks()
    {
        var blocks = new List<string>();
        var lines = Lines("docs", "from-python.md");
        for (var i = 0; i < lines.Length; i++)
            if (lines[i] == "```csharp") blocks.Add(string.Join('\n', lines[(i + 1)..Array.IndexOf(lines, "```", i)]));
        return blocks;
    }
}
