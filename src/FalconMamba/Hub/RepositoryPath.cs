using System.Text.RegularExpressions;
using FalconMamba.Formats;

namespace FalconMamba.Hub;

/// <summary>Names that come from a hub or a user and become parts of paths: none may lead out of its folder.</summary>
internal static partial class RepositoryPath
{
    private const int Longest = 1024;

    // Windows gives these a meaning of their own.
    private static readonly string Reserved = OperatingSystem.IsWindows() ? "\\:*?\"<>|" : "\\";

    /// <summary>The branch that is meant where no revision is given.</summary>
    public const string DefaultRevision = "main";

    /// <summary>Whether a revision is a commit, which never changes.</summary>
    public static bool IsCommit(string revision) => Commit().IsMatch(revision);

    /// <summary>A commit that a hub named.</summary>
    /// <exception cref="HubException">It is none.</exception>
    public static string CheckCommit(string? commit) => commit is not null && IsCommit(commit)
        ? commit
        : throw new HubException(HubProblem.BadAnswer, "The hub's answer names no commit: check that HF_ENDPOINT is the address of a hub.");

    /// <summary>A content's name that a hub gave, without the quotes and the mark of HTTP.</summary>
    /// <exception cref="HubException">It is none.</exception>
    public static string CheckTag(string? etag)
    {
        var tag = etag?.Trim() ?? "";
        if (tag.StartsWith("W/", StringComparison.Ordinal)) tag = tag[2..];
        tag = tag.Trim('"');
        return Tag().IsMatch(tag) ? tag : throw new HubException(HubProblem.BadAnswer, "The hub's answer has no ETag that can name a file: check that HF_ENDPOINT is the address of a hub.");
    }

    /// <summary>A revision: a branch, a tag or a commit.</summary>
    /// <exception cref="HubException">It could lead out of the folder of references.</exception>
    public static string CheckRevision(string revision) => IsSafe(revision)
        ? revision
        : throw new HubException(HubProblem.RevisionNotFound, $"\"{revision}\" can be no revision: give a branch, a tag or a commit.");

    /// <summary>A file's path in a repository.</summary>
    /// <exception cref="HubException">It could lead out of the snapshot.</exception>
    public static string CheckFile(string path) => IsSafe(path)
        ? path
        : throw new HubException(HubProblem.BadAnswer, $"The file name \"{Excerpt.Of(path)}\" leads out of its folder or cannot be stored: do not use this model.");

    private static bool IsSafe(string path) => path.Length is > 0 and <= Longest
        && !path.Any(c => char.IsControl(c) || Reserved.Contains(c, StringComparison.Ordinal))
        && path.Split('/').All(part => part is not ("" or "." or ".."));

    [GeneratedRegex(@"\A[0-9a-f]{40}\z")]
    private static partial Regex Commit();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_=+.-]{0,199}\z")]
    private static partial Regex Tag();
}
