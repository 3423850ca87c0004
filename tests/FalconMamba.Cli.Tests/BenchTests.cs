using System.Text.Json;

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
        Assert.Equal(expected, BenchTest.ParseList(text, 0));

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
    public void A_flat_run_tells_both_positions_and_writes_the_way()
    {
        using var folder = new TemporaryFolder();
        using var json = JsonDocument.Parse(Falcon.Output("bench", Tiny, "--flat", "2500", "--csv", folder["flat.csv"]));
        Assert.Equal(2500, json.RootElement.GetProperty("late_position").GetInt32());
        var lines = File.ReadAllLines(folder["flat.csv"]);
        Assert.StartsWith("2500,", lines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ranges", "-p", "x")]
    [InlineData("nothing to measure", "-p", "0", "-n", "0")]
    [InlineData("two numbers", "-pg", "5")]
    [InlineData("xml", "-o", "xml")]
    [InlineData("--flat takes", "--flat", "10")]
    public void A_wrong_command_line_is_told_in_one_sentence(string part, params string[] args) =>
        Falcon.Fails(2, part, ["bench", Falcon.Model, .. args]);
}
