using System.CommandLine;
using FalconMamba.Sessions;

namespace FalconMamba.Cli.Sessions;

/// <summary>Where the command line keeps sessions, and how they are named there.</summary>
internal static class SessionFolder
{
    private const string Variable = "FALCON_MAMBA_SESSIONS";

    /// <summary>The store of this user: the folder that the environment names, else one among the data of programs.</summary>
    public static FolderStateStore Open()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder) return new FolderStateStore(folder);
        var data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return data.Length > 0
            ? new FolderStateStore(Path.Combine(data, "falcon-mamba", "sessions"))
            : throw new CommandException($"There is no folder for sessions: name one with {Variable}.");
    }

    /// <summary>The session, as verbs on one that is there take it.</summary>
    public static Argument<string> Name() => new("NAME") { Description = "The session's name." };

    /// <summary>Claims a session.</summary>
    /// <exception cref="CommandException">Another process has it.</exception>
    public static IDisposable Lock(FolderStateStore store, string name) => store.TryLock(name)
        ?? throw new CommandException($"Another process is at the session {name}: wait until it ends, or name another session.");

    /// <summary>What is stored beside a session's state.</summary>
    /// <exception cref="CommandException">There is no such session, or it is damaged.</exception>
    public static SessionFacts Find(FolderStateStore store, string name) => Notes(store, name) is { } notes
        ? new SessionFacts(name, notes, [.. store.List(name)])
        : throw new CommandException($"There is no session {name} in {store.Folder}: 'falcon-mamba sessions list' shows what is; 'falcon-mamba read FILE' and 'falcon-mamba chat' make one with --session {name}.");

    /// <summary>The model that a session was made by, as it was named; null where there is no such session, or nobody noted it.</summary>
    /// <exception cref="CommandException">It is damaged.</exception>
    public static string? ModelOf(string name) => Notes(Open(), name)?.GetValueOrDefault(SessionFacts.ModelKey);

    private static IReadOnlyDictionary<string, string>? Notes(FolderStateStore store, string name)
    {
        try
        {
            return store.ReadNotes(new StateKey(name));
        }
        catch (MalformedFileException e)
        {
            throw new CommandException($"The session {name} is damaged, 'falcon-mamba sessions delete {name}' takes it away: {e.Message}");
        }
    }
}
