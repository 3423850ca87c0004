using FalconMamba.Sessions;

namespace FalconMamba.Cli.Tests;

/// <summary>
/// Tests for which this process keeps sessions in a folder of their own. What names it belongs to the whole process, so they run
/// one behind the other.
/// </summary>
[Collection(nameof(SessionsFolderTests))]
public abstract class SessionsFolderTests : IDisposable
{
    /// <summary>The environment variable that names the folder.</summary>
    protected const string Variable = "FALCON_MAMBA_SESSIONS";

    private readonly TemporaryFolder _folder = new();

    private protected SessionsFolderTests()
    {
        Store = new FolderStateStore(_folder["sessions"]);
        Environment.SetEnvironmentVariable(Variable, Store.Folder);
    }

    private protected TemporaryFolder Folder => _folder;

    private protected FolderStateStore Store { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Variable, null);
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }
}
