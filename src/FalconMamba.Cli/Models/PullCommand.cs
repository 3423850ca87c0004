using System.CommandLine;
using FalconMamba.Hub;
using FalconMamba.Model;

namespace FalconMamba.Cli.Models;

/// <summary><c>pull</c>: downloads a model from the hub into the cache.</summary>
internal static class PullCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = new Argument<string>("MODEL") { Description = "The model on the hub: owner/name, owner/name@revision, or owner/name/file.gguf for one file of it." };
        var revision = new Option<string?>("--revision") { HelpName = "REV", Description = "A branch, a tag or a commit; by default the branch main." };
        var include = new Option<string[]>("--include") { HelpName = "PATTERN", Description = "Only files that match, such as '*Q4_K_M.gguf', in place of those that a model needs; may be given several times." };
        var exclude = new Option<string[]>("--exclude") { HelpName = "PATTERN", Description = "No file that matches; may be given several times." };
        var json = CommonOptions.Json();
        var command = new Command("pull", "Download a model from the hub into the cache that the Python tools use too, and write the path of it.")
        {
            model, revision, include, exclude, json,
        };
        command.OnRun(terminal, async (parse, cancellationToken) =>
        {
            if (!HubReference.TryParse(parse.GetValue(model)!, out var reference)) throw new UsageException($"MODEL is owner/name, \"{parse.GetValue(model)}\" was given.");
            var (id, wanted) = (reference.Id, parse.GetValue(revision) ?? reference.Revision);
            if (reference.Revision is { } named && named != wanted) throw new UsageException($"MODEL names the revision {named} and --revision {wanted}: give one of them.");
            var patterns = parse.GetValue(include) ?? [];
            if (reference.File is { } file) patterns = [file, .. patterns];
            using var client = new HubClient();
            var found = await client.GetModelAsync(id, wanted, cancellationToken).ConfigureAwait(false);
            var files = ModelFiles.Matching(found, patterns, parse.GetValue(exclude) ?? []);
            var bytes = files.Sum(file => file.Size);
            using (var bar = new ProgressBar(terminal, $"downloading {id}", bytes, Units.Bytes))
                await client.DownloadAsync(found, files, new ByteProgress(bar), cancellationToken).ConfigureAwait(false);
            var revisionHere = client.Cache.Find(id, found.Commit)!;
            var path = revisionHere.PathOf(files);
            var licence = ModelLicence.Read(revisionHere.Folder);
            if (parse.GetValue(json))
            {
                JsonOutput.Write(terminal, writer =>
                {
                    writer.WriteString("id", id.ToString());
                    writer.WriteString("revision", found.Revision);
                    writer.WriteString("commit", found.Commit);
                    writer.WriteString("path", path);
                    writer.WriteLicence(licence);
                    writer.WriteNumber("bytes", bytes);
                    writer.WriteFiles(files.Select(file => (file.Path, file.Size)));
                });
                return;
            }

            terminal.Error.WriteLine($"{id} at {ModelReport.Shorten(found.Commit)}: {files.Count} {(files.Count == 1 ? "file" : "files")}, {Units.Bytes(bytes)}; licence: {licence}");
            terminal.Output.WriteLine(path);
        });
        return command;
    }

    private sealed class ByteProgress(IProgress<long> bar) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => bar.Report(value.Bytes);
    }
}
