using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary>Loads models, and shows how far it is where files come from a slow disk.</summary>
internal static class ModelLoading
{
    /// <summary>Loads a model.</summary>
    /// <param name="terminal">Where to show it.</param>
    /// <param name="path">A folder or a GGUF file.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at while files are read.</param>
    public static FalconMambaModel Load(Terminal terminal, string path, ModelOptions options, CancellationToken cancellationToken)
    {
        var weights = ModelWeights.Open(path);
        try
        {
            using (var bar = new ProgressBar(terminal, "loading", weights.ByteLength, Units.Bytes)) weights.ReadIntoMemory(bar, cancellationToken);
            return new FalconMambaModel(weights, options);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }
}
