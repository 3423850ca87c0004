using System.IO.Compression;
using System.Runtime.CompilerServices;

namespace FalconMamba.Tests;

/// <summary>
/// The folder of reference values that golden tests discover their cases in: the environment variable
/// <c>FALCON_MAMBA_FIXTURES</c>, by default <c>tests/fixtures</c>.
/// </summary>
public static class FixtureFolder
{
    /// <summary>The root of the repository.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>The root of the fixtures.</summary>
    public static string Root { get; } =
        Environment.GetEnvironmentVariable("FALCON_MAMBA_FIXTURES") is { Length: > 0 } folder
            ? Path.GetFullPath(folder, Repository)
            : Path.Combine(Repository, "tests", "fixtures");

    /// <summary>
    /// Runs <paramref name="check"/> on every case of a category and prints how many ran. An absent category counts 0;
    /// a present one without a case is an error. All failures are collected into one message.
    /// </summary>
    /// <param name="category">The category's folder below <see cref="Root"/>, with forward slashes.</param>
    /// <param name="discover">Lists the cases (name and content) in that folder.</param>
    /// <param name="check">Throws when a case fails.</param>
    /// <param name="isPart">The folder holds other kinds of cases too: a set that lacks this kind counts 0.</param>
    /// <param name="test">Who asks, for the printed line.</param>
    public static void ForEach<TCase>(string category, Func<string, IEnumerable<(string Name, TCase Case)>> discover, Action<TCase> check, bool isPart = false, [CallerMemberName] string test = "")
    {
        var folder = Path.Combine(Root, category);
        if (!Directory.Exists(folder))
        {
            Report($"{category}: 0 cases, the folder is absent ({test})");
            return;
        }

        var count = 0;
        var failures = new List<string>();
        foreach (var (name, content) in discover(folder))
        {
            count++;
            try
            {
                check(content);
            }
            catch (Exception e)
            {
                failures.Add($"{name}: {e.Message}");
            }
        }

        Report($"{category}: {count} cases ({test})");
        var isAbsent = isPart && Directory.EnumerateFileSystemEntries(folder).Any();
        if (count == 0 && !isAbsent) Assert.Fail($"{folder} holds no case");
        if (failures.Count > 0)
            Assert.Fail($"{failures.Count} of {count} cases failed:\n{string.Join('\n', failures.Take(20))}");
    }

    /// <summary>Prints a line to the test's output and to the console.</summary>
    public static void Report(string line)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        Console.WriteLine(line);
    }

    /// <summary>Reads a text file's lines, through gzip if its name ends so.</summary>
    public static IEnumerable<string> ReadLines(string path)
    {
        using Stream file = File.OpenRead(path);
        using var text = new StreamReader(path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file);
        while (text.ReadLine() is { } line) if (line.Length > 0) yield return line;
    }

    private static string FindRepository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "FalconMamba.slnx"))) return folder.FullName;
        throw new DirectoryNotFoundException("FalconMamba.slnx was not found in any parent of the test's folder");
    }
}
