using System.ComponentModel;

[assembly: AssemblyFixture(typeof(FalconMamba.Packages.Tests.PackageFeed))]

namespace FalconMamba.Packages.Tests;

/// <summary>
/// The packages of this build in a folder that serves as a feed, beside the sources that the machine is set up with, and a
/// place for projects that use them. All of it goes away at the end.
/// </summary>
public sealed class PackageFeed : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string?> _environment = [];

    /// <summary>A version that no cache of packages has.</summary>
    public string Version { get; } = $"0.0.0-test.{DateTime.UtcNow:yyyyMMdd.1HHmmssfff}";

    /// <summary>The folder with the packages.</summary>
    public string Packages => _folder["feed"];

    /// <summary>The folder that the machine restores packages to.</summary>
    public static string Restored { get; } = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>The repository's folder of models.</summary>
    public static string Models => Path.Combine(Repository, "models");

    /// <summary>The repository's root.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>Which of the builds these tests belong to.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    /// <summary>Why nothing can be packed here; null where it can.</summary>
    public string? Obstacle { get; private set; }

    /// <summary>A new folder for a project, where the feed is known.</summary>
    public string CreateFolder(string name) => Directory.CreateDirectory(_folder[name]).FullName;

    public async ValueTask InitializeAsync()
    {
        // A process of the test runner's build must not take these builds for a part of itself, and nothing may outlive the tests.
        foreach (var name in Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)))
            _environment[name] = null;
        _environment["MSBUILDDISABLENODEREUSE"] = "1";
        _environment["UseSharedCompilation"] = "false";
        _environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        _environment["NUGET_PACKAGES"] = _folder["packages"];
        _environment["FALCON_MAMBA_MODELS"] = null;
        try
        {
            await DotnetAsync(_folder.Root, "--version");
        }
        catch (Exception missing) when (missing is Win32Exception or InvalidOperationException)
        {
            Obstacle = "There is no .NET SDK on the path to pack with.";
            return;
        }

        Directory.CreateDirectory(Packages);
        await File.WriteAllTextAsync(_folder["nuget.config"], NuGetConfig());
        await DotnetAsync(Repository, "pack", "FalconMamba.slnx", "--configuration", Configuration, "--no-build", "--output", Packages, $"-p:PackageVersion={Version}");
    }

    /// <summary>Runs a command of the SDK that must end well, and gives its output.</summary>
    public Task<string> DotnetAsync(string folder, params string[] args) => RunAsync(folder, "dotnet", args);

    /// <summary>Runs a program that must end well, and gives its output.</summary>
    public async Task<string> RunAsync(string folder, string program, params string[] args)
    {
        using var process = Start(folder, program, args);
        return await process.ReadToEndAsync();
    }

    /// <summary>Starts a program.</summary>
    internal Child Start(string folder, string program, params string[] args) => Child.Start(folder, _environment, program, args);

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    // What other packages the machine has is taken from there, ours are not: their version is new.
    private string NuGetConfig() => $"""
        <configuration>
          <packageSources>
            <add key="packed" value="{Packages}" />
          </packageSources>
          <fallbackPackageFolders>
            {(Directory.Exists(Restored) ? $"""<add key="known" value="{Restored}" />""" : "")}
          </fallbackPackageFolders>
        </configuration>
        """;

    private static string FindRepository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "FalconMamba.slnx")))
                return folder.FullName;
        throw new DirectoryNotFoundException($"{AppContext.BaseDirectory} is not inside the repository.");
    }
}
