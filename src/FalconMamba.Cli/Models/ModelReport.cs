using System.Text.Json;
using FalconMamba.Hub;
using FalconMamba.Model;

namespace FalconMamba.Cli.Models;

/// <summary>How models in the cache are told of.</summary>
internal static class ModelReport
{
    private const int CommitDigits = 10;

    /// <summary>The branches and tags of a revision, or the beginning of its commit.</summary>
    public static string NameOf(CachedRevision revision) => revision.References.IsEmpty ? Shorten(revision.Commit) : string.Join(" ", revision.References);

    /// <summary>The beginning of a commit, which is enough to know it by.</summary>
    public static string Shorten(string commit) => commit[..CommitDigits];

    /// <summary>All that is known of a model.</summary>
    public static void WriteModel(this Utf8JsonWriter json, CachedModel model, bool withFiles)
    {
        json.WriteString("id", model.Id.ToString());
        json.WriteString("path", model.Folder);
        json.WriteNumber("bytes", model.ByteLength);
        json.WriteLicence(ModelLicence.Read(model.Revisions[0].Folder));
        json.WriteObjects("revisions", model.Revisions, revision =>
        {
            json.WriteString("commit", revision.Commit);
            json.WriteTexts("references", revision.References);
            json.WriteString("path", revision.ModelPath);
            json.WriteNumber("bytes", revision.ByteLength);
            if (withFiles) json.WriteFiles(revision.Files.Select(file => (file.Path, file.ByteLength)));
            json.WriteTexts("missing", revision.Missing);
        });
    }

    /// <summary>A licence's name and address, null where they are not stated.</summary>
    public static void WriteLicence(this Utf8JsonWriter json, ModelLicence licence)
    {
        json.WriteString("licence", licence.Name);
        json.WriteString("licence_link", licence.Link);
    }

    /// <summary>Paths and lengths.</summary>
    public static void WriteFiles(this Utf8JsonWriter json, IEnumerable<(string Path, long ByteLength)> files)
    {
        json.WriteObjects("files", files, file =>
        {
            json.WriteString("path", file.Path);
            json.WriteNumber("bytes", file.ByteLength);
        });
    }
}
