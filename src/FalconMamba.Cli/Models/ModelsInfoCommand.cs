using System.CommandLine;
using FalconMamba.Hub;
using FalconMamba.Model;

namespace FalconMamba.Cli.Models;

/// <summary><c>models info</c>: what the cache has of a model.</summary>
internal static class ModelsInfoCommand
{
    public static Command Create(Terminal terminal)
    {
        var name = ModelsCommand.Model();
        var json = CommonOptions.Json();
        var command = new Command("info", "Show the revisions, files and licence of a model in the cache.") { name, json };
        command.OnRun(terminal, (parse, _) =>
        {
            var model = ModelsCommand.Find(new HubCache(HubOptions.FromEnvironment()), parse.GetValue(name)!);
            if (parse.GetValue(json)) JsonOutput.Write(terminal, writer => writer.WriteModel(model, withFiles: true));
            else WriteTables(terminal, model);
        });
        return command;
    }

    private static void WriteTables(Terminal terminal, CachedModel model)
    {
        var facts = new TextTable(2, model.Id.ToString(), model.Folder);
        facts.Add("size", Units.Bytes(model.ByteLength));
        facts.Add("licence", ModelLicence.Read(model.Revisions[0].Folder).ToString());
        facts.Write(terminal);
        foreach (var revision in model.Revisions)
        {
            terminal.Output.WriteLine();
            var files = new TextTable(1, revision.References.IsEmpty ? revision.Commit : $"{ModelReport.NameOf(revision)} = {revision.Commit}", "bytes");
            foreach (var file in revision.Files) files.Add(file.Path, Units.Digits(file.ByteLength));
            foreach (var missing in revision.Missing) files.Add(missing, "not here");
            files.Write(terminal);
        }
    }
}
