using System.Globalization;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Hub;
using FalconMamba.Model;

namespace FalconMamba.Sessions;

/// <summary>
/// States in a folder, which any number of processes may share: a folder a name, in it <c>head.safetensors</c> and a file for
/// each kept place, all of them files that <see cref="StateFile"/> reads.
/// </summary>
public sealed class FolderStateStore : IStateStore
{
    private const string Extension = ".safetensors", Head = "head", LockFolder = ".locks";

    // What a process that was killed left half written.
    private const string Leftovers = "*.tmp";

    /// <summary>A store in a folder, which is made when something is written.</summary>
    /// <param name="folder">The folder.</param>
    public FolderStateStore(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Folder = Path.GetFullPath(folder);
    }

    /// <summary>The folder's full path.</summary>
    public string Folder { get; }

    /// <inheritdoc/>
    public IReadOnlyList<StateEntry> List(string? name = null)
    {
        var entries = new List<StateEntry>();
        if (name is not null) AddStates(name, Path.Combine(Folder, StateNames.Encode(name)), entries);
        else if (Directory.Exists(Folder))
        {
            foreach (var folder in Directory.EnumerateDirectories(Folder))
                if (StateNames.TryDecode(Path.GetFileName(folder), out var found)) AddStates(found, folder, entries);
        }

        return [.. entries.OrderBy(entry => entry.Key.Name, StringComparer.Ordinal).ThenBy(entry => entry.Key.Position ?? -1)];
    }

    /// <inheritdoc/>
    public StoredState? Read(StateKey key, IModelRunner model)
    {
        var path = PathOf(key);
        try
        {
            var state = StateFile.Read(path, model, out var notes);
            try
            {
                return StoredState.FromNotes(state, notes, path);
            }
            catch
            {
                state.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string>? ReadNotes(StateKey key)
    {
        try
        {
            using var file = SafetensorsFile.Open(PathOf(key));
            return file.Metadata;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Write(StateKey key, StoredState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var path = PathOf(key);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        state.State.Save(path, state.AllNotes());
    }

    /// <inheritdoc/>
    public bool Delete(StateKey key)
    {
        var path = PathOf(key);
        if (!File.Exists(path)) return false;
        File.Delete(path);
        var folder = Path.GetDirectoryName(path)!;
        try
        {
            if (!Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
        }
        catch (IOException)
        {
            // Somebody wrote into it meanwhile, or deleted it first.
        }

        return true;
    }

    /// <inheritdoc/>
    /// <remarks>Counts between processes too: a file that one at a time has open.</remarks>
    public IDisposable? TryLock(string name)
    {
        var encoded = StateNames.Encode(name);
        var locks = Path.Combine(Folder, LockFolder);
        Directory.CreateDirectory(locks);
        var taken = CacheLock.TryTake(Path.Combine(locks, encoded));
        if (taken is null) return null;
        try
        {
            DeleteLeftovers(Path.Combine(Folder, encoded));
            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>The file of a state, whether or not it is there.</summary>
    /// <exception cref="ArgumentException">The name is empty or too long, or the position is negative.</exception>
    public string PathOf(StateKey key)
    {
        ArgumentNullException.ThrowIfNull(key.Name, nameof(key));
        if (key.Position is { } negative) ArgumentOutOfRangeException.ThrowIfNegative(negative, nameof(key));
        return Path.Combine(Folder, StateNames.Encode(key.Name), (key.Position?.ToString(CultureInfo.InvariantCulture) ?? Head) + Extension);
    }

    private static void AddStates(string name, string folder, List<StateEntry> entries)
    {
        try
        {
            foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*" + Extension))
            {
                var stem = Path.GetFileNameWithoutExtension(file.Name);
                if (stem == Head) entries.Add(new StateEntry(new StateKey(name), file.Length, file.LastWriteTimeUtc));
                else if (long.TryParse(stem, NumberStyles.None, CultureInfo.InvariantCulture, out var position)) entries.Add(new StateEntry(new StateKey(name, position), file.Length, file.LastWriteTimeUtc));
            }
        }
        catch (Exception e) when (e is DirectoryNotFoundException or FileNotFoundException)
        {
            // Deleted while it was looked at.
        }
    }

    // Who writes has claimed the name.
    private static void DeleteLeftovers(string folder)
    {
        try
        {
            foreach (var file in Directory.EnumerateFiles(folder, Leftovers)) File.Delete(file);
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing was written yet, or somebody deleted it.
        }
    }
}
