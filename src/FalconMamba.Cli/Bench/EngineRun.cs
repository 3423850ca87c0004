using FalconMamba.Engine;
using FalconMamba.Generation;

namespace FalconMamba.Cli.Bench;

/// <summary>An engine over a measured model, asked for random prompts and the likeliest tokens.</summary>
internal sealed class EngineRun : IDisposable
{
    private readonly BenchRunner _runner;
    private readonly BatchEngine _engine;
    private readonly Random _random = new(1);

    public EngineRun(BenchRunner runner, int streams)
    {
        _runner = runner;
        _engine = new BatchEngine(runner.Model, options: new BatchEngineOptions { MaxRunning = streams, MaxPromptTokens = runner.Model.PrefillChunkSize });
    }

    /// <summary>Asks for a stream; no token ends it early. A prompt of none is one token, as something must be read.</summary>
    public GeneratedTokens Submit(int prompt, int generated, CancellationToken cancellationToken)
    {
        var ids = new int[Math.Max(1, prompt)];
        foreach (ref var id in ids.AsSpan()) id = _random.Next(_runner.Model.Config.VocabSize);
        return _engine.Submit(new GenerationRequest { Prompt = ids, Options = new GenerationOptions { MaxNewTokens = Math.Max(1, generated), IgnoreEos = true } }, cancellationToken);
    }

    /// <summary>Reads a stream to its end.</summary>
    /// <param name="tokens">The stream.</param>
    /// <param name="onToken">Called at each token.</param>
    public static async Task Read(GeneratedTokens tokens, Action onToken)
    {
        await foreach (var _ in tokens.ConfigureAwait(false)) onToken();
    }

    /// <summary>Tells the progress of so many tokens.</summary>
    public void Count(int tokens)
    {
        _runner.Progress.Report(tokens);
        _runner.Progress.Add(tokens);
    }

    public void Dispose() => _engine.Dispose();
}
