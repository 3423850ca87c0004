using System.CommandLine;
using FalconMamba.Hub;
using FalconMamba.Model;

namespace FalconMamba.Cli.Models;

/// <summary><c>models list</c>: every model in the cache.</summary>
internal static class ModelsListCommand
{
    public static Command Create(Terminal terminal)
    {
        var json = CommonOptions.Json();
        var command = new Command("list", "List the models in the cache: size, revisions, licence.") { json };
        command.OnRun(terminal, (parse, _) =>
        {
            var cache = new HubCache(HubOptions.FromEnvironment());
            var models = cache.List();
            if (parse.GetValue(json))
            {
                JsonOutput.Write(terminal, writer =>
                {
                    writer.WriteString("cache", cache.Folder);
                    writer.WriteNumber("bytes", models.Sum(model => model.ByteLength));
                    writer.WriteObjects("models", models, model => writer.WriteModel(model, withFiles: false));
                });
                return;
            }

            if (models.Count > 0)
            {
                var table = new TextTable(3, "model", "revisions", "licence", "bytes");
                foreach (var model in models)
                    table.Add(model.Id.ToString(), string.Join(", ", model.Revisions.Select(ModelReport.NameOf)), ModelLicence.Read(model.Revisions[0].Folder).Name ?? "not stated", Units.Bytes(model.ByteLength));
                table.Write(terminal);
            }

            terminal.Error.WriteLine(models.Count > 0
                ? $"{Units.Bytes(models.Sum(model => model.ByteLength))} in {cache.Folder}"
                : $"no model in {cache.Folder}: 'falcon-mamba pull owner/name' fetches one");
        });
        return command;
    }
}
