using System.CommandLine;
using FalconMamba.Hub;

namespace FalconMamba.Cli.Models;

/// <summary><c>models</c>: what was downloaded.</summary>
internal static class ModelsCommand
{
    public static Command Create(Terminal terminal) => new("models", "List, describe and delete the models in the cache.")
    {
        ModelsListCommand.Create(terminal),
        ModelsInfoCommand.Create(terminal),
        ModelsDeleteCommand.Create(terminal),
    };

    /// <summary>A model in the cache, as <c>info</c> and <c>delete</c> take it.</summary>
    public static Argument<string> Model() => new("MODEL") { Description = "A model in the cache, owner/name." };

    /// <summary>Finds the model that was named.</summary>
    public static CachedModel Find(HubCache cache, string name)
    {
        if (!HubModelId.TryParse(name, out var id)) throw new UsageException($"MODEL is owner/name, \"{name}\" was given.");
        return cache.Find(id) ?? throw new CommandException(
            $"{id} is not in the cache {cache.Folder}: 'falcon-mamba models list' shows what is, 'falcon-mamba pull {id}' fetches it.");
    }
}
