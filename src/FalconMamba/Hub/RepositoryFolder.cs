using System.Text;
using FalconMamba.Formats;

namespace FalconMamba.Hub;

/// <summary>
/// One model in the cache, laid out as the Python client does: <c>blobs/TAG</c> hold the contents, <c>snapshots/COMMIT/PATH</c>
/// link to them, <c>refs/REVISION</c> name commits, <c>trees/COMMIT.json</c> list files, <c>.no_exist/COMMIT/PATH</c> remember
/// what is not there.
/// </summary>
internal sealed class RepositoryFolder
{
    private const string Blobs = "blobs", References = "refs", Snapshots = "snapshots", Trees = "trees", Absent = ".no_exist", Locks = ".locks";

    // Not the name of the Python client's own, which it neither continues nor leaves behind.
    private const string PartialSuffix = ".falcon-mamba.incomplete";

    private const string CacheTagName = "CACHEDIR.TAG";

    // The standard's signature and the Python client's words, so that either may write it.
    private const string CacheTag =
        "Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory tag created by huggingface_hub.\n"
        + "# For information about cache directory tags, see:\n#\thttps://bford.info/cachedir/\n";

    private readonly string _cache;
    private readonly bool _usesLinks;

    public RepositoryFolder(string cache, HubModelId id, bool usesLinks)
    {
        _cache = cache;
        _usesLinks = usesLinks;
        Root = Path.Combine(cache, id.FolderName);
        LockFolder = Path.Combine(cache, Locks, id.FolderName);
    }

    public string Root { get; }

    public string LockFolder { get; }

    public string BlobFolder => Path.Combine(Root, Blobs);

    public string ReferenceFolder => Path.Combine(Root, References);

    public string SnapshotFolder => Path.Combine(Root, Snapshots);

    /// <summary>A content.</summary>
    public string Blob(string tag) => Path.Combine(BlobFolder, tag);

    /// <summary>A content on its way.</summary>
    public string Partial(string tag) => Blob(tag) + PartialSuffix;

    public string Lock(string tag) => Path.Combine(LockFolder, tag + ".lock");

    public string Snapshot(string commit) => Path.Combine(SnapshotFolder, commit);

    public string Tree(string commit) => Path.Combine(Root, Trees, commit + ".json");

    /// <summary>A file of a snapshot.</summary>
    public string Pointer(string commit, string path) => Path.Combine(Snapshot(commit), Local(path));

    /// <summary>The commit that a revision stands for, as of the last time that the hub was asked; null if never.</summary>
    public string? FindCommit(string revision)
    {
        if (RepositoryPath.IsCommit(revision)) return Directory.Exists(Snapshot(revision)) ? revision : null;
        var reference = Path.Combine(ReferenceFolder, Local(RepositoryPath.CheckRevision(revision)));
        return File.Exists(reference) && File.ReadAllText(reference).Trim() is var commit && RepositoryPath.IsCommit(commit) ? commit : null;
    }

    /// <summary>The file that a path of a snapshot leads to, if its content is there.</summary>
    public static FileInfo? Content(string path)
    {
        var file = new FileInfo(path);
        if (file.LinkTarget is not null) file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo;
        return file is { Exists: true } ? file : null;
    }

    public IReadOnlyList<HubFile>? ReadTree(string commit) => TreeFile.Read(Tree(commit));

    public void WriteTree(string commit, IEnumerable<HubFile> files)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Tree(commit))!);
        TreeFile.Write(Tree(commit), files);
    }

    /// <summary>Notes the commit that a branch or tag stands for.</summary>
    public void WriteReference(string revision, string commit)
    {
        if (revision == commit) return;
        var reference = Path.Combine(ReferenceFolder, Local(revision));
        if (File.Exists(reference) && File.ReadAllText(reference) == commit) return;
        Directory.CreateDirectory(Path.GetDirectoryName(reference)!);
        AtomicFile.Write(reference, stream => stream.Write(Encoding.ASCII.GetBytes(commit)));
    }

    /// <summary>Notes that a commit has no such file.</summary>
    public void MarkAbsent(string commit, string path)
    {
        var mark = Path.Combine(Root, Absent, commit, Local(path));
        Directory.CreateDirectory(Path.GetDirectoryName(mark)!);
        if (!File.Exists(mark)) File.WriteAllBytes(mark, []);
    }

    /// <summary>Makes the folders for one file, and marks the cache as one for programs that save disks.</summary>
    public void Prepare(string commit, string path)
    {
        Directory.CreateDirectory(BlobFolder);
        Directory.CreateDirectory(Path.GetDirectoryName(Pointer(commit, path))!);
        var tag = Path.Combine(_cache, CacheTagName);
        if (!File.Exists(tag)) File.WriteAllText(tag, CacheTag);
    }

    /// <summary>
    /// Puts a content into a snapshot: as a relative link, or where there are no links as the file itself, which is moved there
    /// if no other snapshot can know it yet and copied if one can.
    /// </summary>
    public void Link(string tag, string commit, string path, bool isNew)
    {
        var pointer = Pointer(commit, path);
        if (Content(pointer) is not null) return;

        // A link may be left whose content was taken away.
        File.Delete(pointer);
        string[] target = [.. Enumerable.Repeat("..", path.Split('/').Length + 1), Blobs, tag];
        if (_usesLinks && TryLink(pointer, Path.Combine(target))) return;
        if (isNew) File.Move(Blob(tag), pointer);
        else AtomicFile.Write(pointer, stream => Copy(Blob(tag), stream));
    }

    private static bool TryLink(string pointer, string target)
    {
        try
        {
            File.CreateSymbolicLink(pointer, target);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            // Some disks know no links, and Windows lets only some users make them.
            return Content(pointer) is not null;
        }
    }

    private static void Copy(string path, Stream target)
    {
        using var source = File.OpenRead(path);
        source.CopyTo(target);
    }

    private static string Local(string path) => path.Replace('/', Path.DirectorySeparatorChar);
}
