using System.Diagnostics;

namespace FalconMamba.Tests;

/// <summary>Runs a class of these tests in a process of its own.</summary>
internal static class ChildRun
{
    /// <summary>Starts the process and waits for its end.</summary>
    /// <typeparam name="T">The class of tests.</typeparam>
    /// <param name="arguments">More arguments of the runner.</param>
    /// <param name="variables">Environment variables that the child has beside this process's.</param>
    /// <returns>Its exit status, and what it wrote.</returns>
    public static async Task<(int Status, string Output)> Of<T>(string[] arguments, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(T).Assembly.Location);
        foreach (var argument in (string[])["-class", typeof(T).FullName!, .. arguments]) start.ArgumentList.Add(argument);
        // A runner above this process speaks to it through variables that the child must not answer.
        foreach (var name in start.Environment.Keys.Where(name => name.Contains("TESTINGPLATFORM", StringComparison.OrdinalIgnoreCase)).ToArray())
            start.Environment.Remove(name);
        foreach (var (name, value) in variables) start.Environment[name] = value;
        using var child = Process.Start(start)!;
        var output = await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (child.ExitCode, output);
    }
}
