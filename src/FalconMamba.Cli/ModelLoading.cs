using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli;

/// <summary>Loads models, and shows how far it is where files come from a slow disk.</summary>
internal static class ModelLoading
{
    // Of a prompt's text to a token, about; and as many tokens as run on the code that longer prompts run on too.
    private const int CharactersOfToken = 4, MostTokens = 64;

    /// <summary>
    /// Loads a model and, beside it, its tokenizer, and has the code made that the first tokens run on while the prompt is
    /// encoded: each takes a process of its own about a tenth of a second.
    /// </summary>
    /// <param name="terminal">Where to show it.</param>
    /// <param name="path">A folder or a GGUF file.</param>
    /// <param name="options">How to run.</param>
    /// <param name="length">The characters of the text that is going to be read, about.</param>
    /// <param name="encode">What is made with the tokenizer, on another thread.</param>
    /// <param name="cancellationToken">Looked at while files are read.</param>
    public static (FalconMambaModel Model, T Prompt) Load<T>(
        Terminal terminal, string path, ModelOptions options, int length, Func<Tokenizer, T> encode, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var encoding = Task.Run(
            () =>
            {
                try
                {
                    return encode(Tokenizer.Load(path));
                }
                catch
                {
                    stop.Cancel();
                    throw;
                }
            },
            CancellationToken.None);
        FalconMambaModel? model = null;
        try
        {
            var loaded = model = Load(terminal, path, options, stop.Token);
            _ = Task.Run(() => loaded.WarmUp(Math.Clamp(length / CharactersOfToken, 1, MostTokens), 1), CancellationToken.None);
            return (loaded, encoding.GetAwaiter().GetResult());
        }
        catch
        {
            model?.Dispose();
            // What is wrong with the tokenizer goes first: it is what stopped the model.
            encoding.GetAwaiter().GetResult();
            throw;
        }
    }

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
