using System.CommandLine;
using FalconMamba.Hub;

namespace FalconMamba.Cli.Models;

/// <summary><c>models delete</c>: takes a model, or one revision of it, out of the cache.</summary>
internal static class ModelsDeleteCommand
{
    private const int ShortestCommit = 7;

    public static Command Create(Terminal terminal)
    {
        var name = ModelsCommand.Model();
        var revision = new Option<string?>("--revision") { HelpName = "REV", Description = "Delete only this branch, tag or commit, and keep what other revisions use of it." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask." };
        var command = new Command("delete", "Delete a model from the cache, which the Python tools use too.") { name, revision, yes };
        command.OnRun(terminal, (parse, _) =>
        {
            var cache = new HubCache(HubOptions.FromEnvironment());
            var model = ModelsCommand.Find(cache, parse.GetValue(name)!);
            var one = parse.GetValue(revision) is { } wanted ? FindRevision(cache, model, wanted) : null;
            var what = one is null ? $"{model.Id} ({Units.Bytes(model.ByteLength)})" : $"revision {ModelReport.NameOf(one)} of {model.Id} ({Units.Bytes(one.ByteLength)})";
            if (!parse.GetValue(yes) && !Agrees(terminal, what)) throw new CommandException("Nothing was deleted: answer y, or give --yes.");
            var freed = one is null ? cache.Delete(model) : cache.Delete(model, one);
            terminal.Error.WriteLine($"deleted {what}, {Units.Bytes(freed)} are free again");
        });
        return command;
    }

    private static CachedRevision FindRevision(HubCache cache, CachedModel model, string revision) =>
        cache.Find(model.Id, revision)
        ?? model.Revisions.FirstOrDefault(candidate => revision.Length >= ShortestCommit && candidate.Commit.StartsWith(revision, StringComparison.Ordinal))
        ?? throw new CommandException($"{model.Id} has no revision {revision} in the cache, it has {string.Join(", ", model.Revisions.Select(ModelReport.NameOf))}: name one of them.");

    private static bool Agrees(Terminal terminal, string what)
    {
        terminal.Error.Write($"Delete {what}? [y/N] ");
        using var input = new StreamReader(terminal.Input, leaveOpen: true);
        var answer = input.ReadLine();
        // On a screen the answer ended the line.
        if (answer is null || !terminal.ErrorIsScreen) terminal.Error.WriteLine();
        return answer?.Trim().ToUpperInvariant() is "Y" or "YES";
    }
}
