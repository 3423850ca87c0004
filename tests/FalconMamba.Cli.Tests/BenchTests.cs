using System.Globalization;
using System.Text;
using System.Text.Json;
using FalconMamba.Cli.Bench;

namespace FalconMamba.Cli.Tests;

public class BenchTests
{
    private static readonly string Tiny = Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", "tiny-conv3-state5");

    [Theory]
    [InlineData("512", new[] { 512 })]
    [InlineData("1,2,4", new[] { 1, 2, 4 })]
    [InlineData("1-4", new[] { 1, 2, 3, 4 })]
    [InlineData("1-8+3", new[] { 1, 4, 7 })]
    [InlineData("1-16*2,5", new[] { 1, 2, 4, 8, 16, 5 })]
    [InlineData("2147483647-2147483647", new[] { int.MaxValue })]
    [InlineData("", null)]
    [InlineData("1,,2", null)]
    [InlineData("4-1", null)]
    [InlineData("0-8*2", null)]
    [InlineData("1-8*1", null)]
    [InlineData("1-8+0", null)]
    [InlineData("-1", null)]
    [InlineData("99999999999", null)]
    public void Lists_and_ranges_are_read_as_llama_bench_reads_them(string text, int[]? expected) =>
        Assert.Equal(expected, NumberList.Parse(text, 0));

    [Fact]
    public void Bounds_hold_for_every_number_of_a_list()
    {
        Assert.NotNull(NumberList.Parse("1,16", 1, 16));
        Assert.Null(NumberList.Parse("1,17", 1, 16));
        Assert.Null(NumberList.Parse("0,1", 1, 16));
        Assert.Null(NumberList.Parse("8-32*2", 1, 16));
    }

    [Fact]
    public void Every_combination_is_a_row_with_llama_benchs_fields()
    {
        using var json = JsonDocument.Parse(Falcon.Output("bench", Falcon.Model, "-p", "4,8", "-n", "2", "-pg", "4,2", "-d", "0,3", "-r", "2", "-o", "json"));
        var rows = json.RootElement.EnumerateArray().ToArray();
        Assert.Equal(8, rows.Length);
        Assert.Equal([4, 8, 0, 4, 4, 8, 0, 4], rows.Select(row => row.GetProperty("n_prompt").GetInt32()));
        Assert.All(rows, row => Assert.Equal(2, row.GetProperty("samples_ns").GetArrayLength()));
        Assert.All(rows, row => Assert.True(row.GetProperty("avg_ts").GetDouble() > 0));
    }

    [Fact]
    public void Verifications_are_timed_beside_steps()
    {
        using var json = JsonDocument.Parse(Falcon.Output("bench", Tiny, "--verify", "3,5", "--accepted", "0,2", "-n", "2", "-o", "json"));
        var rows = json.RootElement.EnumerateArray().ToArray();
        Assert.Equal([(3, 0), (3, 2), (5, 0), (5, 2)], rows.Select(row => (row.GetProperty("n_rows").GetInt32(), row.GetProperty("n_accepted").GetInt32())));
        Assert.All(rows, row => Assert.True(row.GetProperty("verify_ratio").GetDouble() > 0));
        Falcon.Fails(2, "--accepted 4", "bench", Tiny, "--verify", "3", "--accepted", "4");
        Falcon.Fails(2, "--verify", "bench", Tiny, "--accepted", "1");
        Falcon.Fails(2, "-p", "bench", Tiny, "--verify", "3", "-p", "5");
        Falcon.Fails(2, "--streams", "bench", Tiny, "--verify", "3", "--streams", "2");
        foreach (var rounds in (string[])["0", "2,3"]) Falcon.Fails(2, "one number from 1", "bench", Tiny, "--verify", "3", "-n", rounds);
    }

    [Fact]
    public void Guesses_that_are_all_wrong_are_timed_beside_none()
    {
        using var json = JsonDocument.Parse(Falcon.Output("bench", Tiny, "--verify", "2,5", "--wrong", "200", "-o", "json"));
        var rows = json.RootElement.EnumerateArray().ToArray();
        // Behind 0, 2, 6, 14, 30, 62, 126 and 190 tokens; the first ones guess as far as they may.
        Assert.Equal([(2, 8, 8, 0), (5, 8, 12, 0)], rows.Select(row => (Field(row, "n_rows"), Field(row, "n_verifications"), Field(row, "n_drafted"), Field(row, "n_accepted"))));
        Assert.All(rows, row => Assert.Equal((200, 2), (Field(row, "n_gen"), row.GetProperty("steady_ratios").GetArrayLength())));
        using var right = JsonDocument.Parse(Falcon.Output("bench", Tiny, "--verify", "5", "--wrong", "200", "--draft", Tiny, "-o", "jsonl"));
        Assert.True(Field(right.RootElement, "n_accepted") > 100);
        Falcon.Fails(2, "--wrong goes with --verify", "bench", Tiny, "--wrong", "200");
        Falcon.Fails(2, "--wrong goes with --verify", "bench", Tiny, "--verify", "1,5", "--wrong", "200");
        Falcon.Fails(2, "--accepted does not go with it", "bench", Tiny, "--verify", "5", "--wrong", "200", "--accepted", "1");
        Falcon.Fails(2, "--draft goes with --wrong", "bench", Tiny, "--verify", "5", "--draft", Tiny);
        Falcon.Fails(2, "whole number from 128", "bench", Tiny, "--verify", "5", "--wrong", "100");

        static int Field(JsonElement row, string name) => row.GetProperty(name).GetInt32();
    }

    [Fact]
    public void Tables_and_lines_hold_the_same_tests()
    {
        var table = Falcon.Output("bench", Falcon.Model, "-p", "4", "-n", "0", "-r", "1").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, table.Length);
        Assert.Contains("| pp4 |", table[2], StringComparison.Ordinal);
        var csv = Falcon.Output("bench", Falcon.Model, "-p", "0", "-n", "2", "-r", "1", "-o", "csv").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, csv.Length);
        Assert.Equal(csv[0].Split(',').Length, csv[1].Split("\",\"").Length);
    }

    [Fact]
    public void Batches_are_fields_and_have_columns_where_they_are_not_the_defaults()
    {
        using var json = JsonDocument.Parse(Falcon.Output("bench", Falcon.Model, "-p", "8", "-n", "0", "-b", "4,64", "-ub", "2,3", "-t", "1,2", "-r", "1", "-o", "json"));
        Assert.Equal(
            [(4, 2), (4, 2), (4, 3), (4, 3), (64, 2), (64, 2), (64, 3), (64, 3)],
            json.RootElement.EnumerateArray().Select(row => (row.GetProperty("n_batch").GetInt32(), row.GetProperty("n_ubatch").GetInt32())).Order());
        using var ways = JsonDocument.Parse(Falcon.Output("bench", Falcon.Model, "-p", "8", "-n", "0", "--prefill", "sequential,parallel,3", "-r", "1", "-o", "json"));
        int[] chunks = [.. ways.RootElement.EnumerateArray().Select(row => row.GetProperty("n_ubatch").GetInt32())];
        Assert.Equal((1, 3), (chunks[0], chunks[2]));
        Assert.InRange(chunks[1], 64, 512);
        Assert.DoesNotContain("batch", Falcon.Output("bench", Falcon.Model, "-p", "4", "-n", "0", "-r", "1"), StringComparison.Ordinal);
        Assert.Contains("| n_batch | n_ubatch | test |", Falcon.Output("bench", Falcon.Model, "-p", "4", "-n", "0", "-r", "1", "-b", "2", "-ub", "2"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_tells_of_start_and_memory()
    {
        using var json = JsonDocument.Parse(Falcon.Output("bench", Falcon.Model, "-p", "0", "-n", "2", "-r", "1", "-o", "jsonl"));
        double Field(string name) => json.RootElement.GetProperty(name).GetDouble();
        Assert.True(Field("load_ms") > 0);
        Assert.True(Field("first_token_ms") > Field("start_to_first_forward_ms"));
        Assert.True(Field("start_to_first_forward_ms") > Field("load_ms"));
        Assert.True(Field("resident_bytes") >= Field("resident_anonymous_bytes") + Field("resident_file_bytes"));
        Assert.True(Field("resident_peak_bytes") >= Field("resident_bytes") / 2);
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("bandwidth_share").ValueKind);
    }

    [Fact]
    public void The_machines_limits_and_the_shares_reached_are_fields_and_lines()
    {
        var outcome = Falcon.Run("bench", Falcon.Model, "-p", "4", "-n", "2", "-r", "1", "--bandwidth", "-o", "json");
        using var json = JsonDocument.Parse(outcome.Output);
        var rows = json.RootElement.EnumerateArray().ToArray();
        foreach (var row in rows)
            foreach (var name in (string[])["bandwidth_bytes_per_s", "peak_f32_ops_per_s", "peak_int8_ops_per_s", "peak_share"])
                Assert.True(row.GetProperty(name).GetDouble() > 0);
        // Few processors have products of bfloat16.
        Assert.True(rows[0].GetProperty("peak_bf16_ops_per_s").GetDouble() >= 0);
        Assert.Equal(JsonValueKind.Null, rows[0].GetProperty("bandwidth_share").ValueKind);
        Assert.True(rows[1].GetProperty("bandwidth_share").GetDouble() > 0);
        Assert.Contains("products peak at", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("memory is read at", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Sequences_at_once_are_told_in_llama_batched_benchs_columns()
    {
        string[] work = ["bench", Falcon.Model, "-p", "4,0", "-n", "2", "--parallel", "1,3"];
        var table = Falcon.Output(work).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |", table[0]);
        Assert.Equal(
            ["|     4 |      2 |    1 |      6", "|     4 |      2 |    3 |     18", "|     0 |      2 |    1 |      2", "|     0 |      2 |    3 |      6"],
            table[2..].Select(line => line[..32]));
        var rows = Falcon.Output([.. work, "-o", "jsonl"]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        using var row = JsonDocument.Parse(rows[1]);
        double Field(string name) => row.RootElement.GetProperty(name).GetDouble();
        Assert.Equal((4, 2, 3, 18), (Field("pp"), Field("tg"), Field("pl"), Field("n_kv")));
        Assert.Equal(Field("t"), Field("t_pp") + Field("t_tg"), 1e-5);
        foreach (var name in (string[])["speed_pp", "speed_tg", "speed"]) Assert.True(Field(name) > 0);
        using var decode = JsonDocument.Parse(rows[2]);
        Assert.Equal(0, decode.RootElement.GetProperty("t_pp").GetDouble());
    }

    [Fact]
    public void Streams_through_the_engine_are_told_beside_those_in_step()
    {
        var rows = Falcon.Output("bench", Falcon.Model, "-p", "4", "-n", "3", "--streams", "1,3", "-o", "jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, rows.Length);
        using var row = JsonDocument.Parse(rows[1]);
        double Field(string name) => row.RootElement.GetProperty(name).GetDouble();
        Assert.Equal((4, 3, 3), (Field("pp"), Field("tg"), Field("pl")));
        foreach (var name in (string[])["speed_in_step", "speed_engine", "ratio"]) Assert.True(Field(name) > 0);
    }

    [Fact]
    public void Gaps_beside_a_long_prompt_are_told()
    {
        using var json = JsonDocument.Parse(Falcon.Output("bench", Tiny, "--streams", "2", "--beside", "3000", "-o", "jsonl"));
        double Field(string name) => json.RootElement.GetProperty(name).GetDouble();
        Assert.Equal((3000, 2), (Field("pp"), Field("pl")));
        Assert.True(Field("gap_longest_ms") >= Field("gap_median_ms"));
        foreach (var name in (string[])["speed_pp", "speed_pp_alone", "tokens_meanwhile"]) Assert.True(Field(name) > 0);
        // Steps of so small a model come in bursts, whose median may be no time at all.
        foreach (var name in (string[])["step_before_ms", "step_after_ms"]) Assert.True(Field(name) >= 0);
        Assert.Equal(Math.Max(150, 3 * Field("step_ms")), Field("gap_bound_ms"), 0.01);
        Assert.Equal(Field("gap_longest_ms") > Field("gap_bound_ms"), Field("gaps_beyond_bound") > 0);
    }

    [Fact]
    public void A_flat_run_tells_both_positions_and_writes_the_way()
    {
        using var folder = new TemporaryFolder();
        using var json = JsonDocument.Parse(Falcon.Output("bench", Tiny, "--flat", "2500", "--csv", folder["flat.csv"]));
        int Field(string name) => json.RootElement.GetProperty(name).GetInt32();
        Assert.Equal((1000, 2500), (Field("early_position"), Field("late_position")));
        Assert.True(2 * Field("pairs") * Field("block_tokens") <= 2500);
        Assert.True(Field("resident_bytes_late") > 0);
        var lines = File.ReadAllLines(folder["flat.csv"]);
        Assert.Equal("position,us_per_token,resident_bytes,resident_anonymous_bytes", lines[0]);
        Assert.StartsWith("2500,", lines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("64", 64)]
    [InlineData("sequential", 1)]
    public void A_flat_prompt_goes_through_the_layers_as_asked(string prefill, int pass)
    {
        using var folder = new TemporaryFolder();
        using var json = JsonDocument.Parse(Falcon.Output("bench", Tiny, "--flat-prompt", "12345", "--prefill", prefill, "-t", "1", "--csv", folder["flat.csv"]));
        int Field(string name) => json.RootElement.GetProperty(name).GetInt32();
        Assert.Equal((pass, 1000, 12345), (Field("pass_tokens"), Field("early_position"), Field("late_position")));
        Assert.Equal(0, Field("block_tokens") % pass);
        Assert.True(2 * Field("pairs") * Field("block_tokens") <= 12345);
        Assert.True(json.RootElement.GetProperty("late_tokens_per_s").GetDouble() > 0);
        var positions = File.ReadAllLines(folder["flat.csv"])[1..].Select(line => int.Parse(line.Split(',')[0], CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(12345, positions[^1]);
        Assert.All(positions[..^1], position => Assert.Equal(0, (position - 1000) % pass));
    }

    [Fact]
    public void A_flat_run_draws_the_way()
    {
        Assert.SkipUnless(FlatnessChart.CanDraw, "This machine has no font.");
        using var folder = new TemporaryFolder();
        Falcon.Output("bench", Tiny, "--flat", "2000", "--chart", folder["flat.png"]);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(folder["flat.png"])[..4]);
    }

    [Fact]
    public void A_chart_has_title_units_and_legend_as_text()
    {
        Assert.SkipUnless(FlatnessChart.CanDraw, "This machine has no font.");
        using var folder = new TemporaryFolder();
        var track = new FlatnessTrack(2);
        track.Add(new FlatnessSample(1500, 1e-4, new ResidentMemory(6_000_000, 1_000_000, 5_000_000, 7_000_000)));
        track.Add(new FlatnessSample(2000, 1e-4, new ResidentMemory(6_000_000, 1_000_000, 5_000_000, 7_000_000)));
        FlatnessChart.Write(folder["flat.svg"], "a model", track);
        var svg = File.ReadAllText(folder["flat.svg"], Encoding.UTF8);
        Assert.Contains("<svg", svg, StringComparison.Ordinal);
        foreach (var text in (string[])["a model", "µs a token", "memory (MB)", "position (tokens)", "without mapped files", "2,000"])
            Assert.Contains(text, svg, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ranges", "-p", "x")]
    [InlineData("from 1 to 16384", "-ub", "20000")]
    [InlineData("--prefill takes parallel, sequential, numbers from 1 to 16384", "--prefill", "whole")]
    [InlineData("from 1 to 16384", "--parallel", "0")]
    [InlineData("nothing to measure", "-p", "0", "-n", "0")]
    [InlineData("nothing to measure", "-p", "0", "-n", "0", "--parallel", "2")]
    [InlineData("-d does not go with it", "--parallel", "2", "-d", "5")]
    [InlineData("--parallel does not go with it", "--streams", "2", "--parallel", "2")]
    [InlineData("goes with --streams", "--beside", "2000")]
    [InlineData("-p does not go with it", "--streams", "2", "--beside", "2000", "-p", "4")]
    [InlineData("--bandwidth does not go with it", "--flat", "2000", "--bandwidth")]
    [InlineData("--flat-prompt does not go with it", "--flat", "2000", "--flat-prompt", "2000")]
    [InlineData("-ub does not go with it", "--flat", "2000", "--prefill", "64")]
    [InlineData("-b does not go with it", "--flat-prompt", "2000", "-b", "64")]
    [InlineData("one value each", "--flat-prompt", "2000", "--prefill", "64,parallel")]
    [InlineData("one value each", "--flat", "2000", "-t", "1,2")]
    [InlineData("--flat-prompt takes", "--flat-prompt", "10")]
    [InlineData("go with --flat", "--chart", "x.png")]
    [InlineData(".png or .svg", "--flat", "2000", "--chart", "x.pdf")]
    [InlineData("two numbers", "-pg", "5")]
    [InlineData("xml", "-o", "xml")]
    [InlineData("--flat takes", "--flat", "10")]
    public void A_wrong_command_line_is_told_in_one_sentence(string part, params string[] args) =>
        Falcon.Fails(2, part, ["bench", Falcon.Model, .. args]);
}
