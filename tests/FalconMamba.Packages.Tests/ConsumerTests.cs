using System.Diagnostics;

namespace FalconMamba.Packages.Tests;

/// <summary>What a user does with the packages, from an empty folder.</summary>
public class ConsumerTests
{
    private const string Hello = """
        using FalconMamba;

        using var pipe = Pipeline.TextGeneration(args.FirstOrDefault() ?? "shakespeare-4m");
        foreach (var piece in pipe.Stream("ROMEO:")) Console.Write(piece);
        """;

    private const string Site = """
        using Microsoft.Extensions.AI;

        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddFalconMamba(builder.Configuration.Bind);
        var app = builder.Build();

        app.MapGet("/", async (IChatClient client, string prompt) => (await client.GetResponseAsync(prompt)).Text);
        app.Run();
        """;

    private readonly PackageFeed _feed;

    public ConsumerTests(PackageFeed feed)
    {
        Assert.SkipWhen(feed.Obstacle is not null, feed.Obstacle ?? "");
        _feed = feed;
    }

    [Fact]
    public async Task A_console_project_generates_text()
    {
        var folder = await CreateAsync("console", "hello", "FalconMamba", Hello);
        var text = await _feed.DotnetAsync(folder, "run", "--no-restore", Path.Combine(PackageFeed.Models, "shakespeare-4m"));
        Assert.NotEqual("", text.Trim());
    }

    [Fact]
    public async Task A_web_application_answers()
    {
        var folder = await CreateAsync("web", "site", "FalconMamba.Extensions.AI", Site);
        await _feed.DotnetAsync(folder, "build", "--no-restore", "--output", "out");
        using var server = _feed.Start(
            folder, "dotnet", "out/site.dll", "--urls", "http://127.0.0.1:0", "--Model", Path.Combine(PackageFeed.Models, "shakespeare-4m"), "--MaxOutputTokens", "30");
        using var http = new HttpClient { BaseAddress = await FindAddressAsync(server) };
        Assert.NotEqual("", await http.GetStringAsync("/?prompt=Who+goes+there%3F", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_single_file_finds_the_model_beside_it_from_an_empty_folder()
    {
        var folder = _feed.CreateFolder("single");
        await WriteAsync(folder, "Program.cs", Hello);
        await WriteAsync(folder, "single.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <PublishSingleFile>true</PublishSingleFile>
                <SelfContained>false</SelfContained>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="FalconMamba" Version="{_feed.Version}" />
                <Content Include="{PackageFeed.Models}/**" LinkBase="models" CopyToPublishDirectory="PreserveNewest" />
              </ItemGroup>
            </Project>
            """);
        await _feed.DotnetAsync(folder, "publish", "--use-current-runtime", "--output", "out");

        var program = OperatingSystem.IsWindows() ? "single.exe" : "single";
        Assert.Equal([program], Directory.EnumerateFiles(Path.Combine(folder, "out")).Select(path => Path.GetFileName(path)).Where(name => !name.EndsWith(".pdb", StringComparison.Ordinal)));
        Assert.NotEqual("", (await _feed.RunAsync(_feed.CreateFolder("single-empty"), Path.Combine(folder, "out", program))).Trim());
    }

    [Fact]
    public async Task The_tool_is_installed_and_tells_a_story_from_an_empty_folder()
    {
        var folder = _feed.CreateFolder("tool");
        await _feed.DotnetAsync(folder, "tool", "install", "FalconMamba.Tool", "--version", _feed.Version, "--tool-path", "bin");
        var tool = Path.Combine(folder, "bin", OperatingSystem.IsWindows() ? "falcon-mamba.exe" : "falcon-mamba");
        var empty = _feed.CreateFolder("tool-empty");

        var built = Path.Combine(PackageFeed.Repository, "src", "FalconMamba.Cli", "bin", PackageFeed.Configuration, "net10.0", "falcon-mamba.dll");
        Assert.Equal(FileVersionInfo.GetVersionInfo(built).ProductVersion, (await _feed.RunAsync(empty, tool, "--version")).Trim());
        Assert.NotEqual("", (await _feed.RunAsync(empty, tool, "generate", "-n", "20")).Trim());
    }

    /// <summary>A project as the SDK makes it, with one package and one program.</summary>
    private async Task<string> CreateAsync(string template, string name, string package, string program)
    {
        var folder = _feed.CreateFolder(name);
        await _feed.DotnetAsync(folder, "new", template, "--no-restore");
        await _feed.DotnetAsync(folder, "add", "package", package, "--version", _feed.Version);
        await WriteAsync(folder, "Program.cs", program);
        return folder;
    }

    private static Task WriteAsync(string folder, string name, string text) =>
        File.WriteAllTextAsync(Path.Combine(folder, name), text, TestContext.Current.CancellationToken);

    private static async Task<Uri> FindAddressAsync(Child server)
    {
        const string listening = "Now listening on: ";
        while (await server.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            if (line.IndexOf(listening, StringComparison.Ordinal) is >= 0 and var start)
                return new Uri(line[(start + listening.Length)..].Trim());
        throw new InvalidOperationException($"The server ended: {await server.ReadToEndAsync()}");
    }
}
