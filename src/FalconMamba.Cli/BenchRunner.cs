using System.Diagnostics;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary>Times forward passes of one model on random tokens; neither tokenizing nor sampling is timed.</summary>
internal sealed class BenchRunner : IDisposable
{
    private readonly FalconMambaModel _model;
    private readonly float[] _logits;
    private readonly int[] _one = new int[1];
    private readonly Random _random = new(1);

    public BenchRunner(string path, ModelOptions options)
    {
        _model = FalconMambaModel.Load(path, options);
        _logits = new float[_model.Config.VocabSize];
    }

    public FalconMambaModel Model => _model;

    /// <summary>Runs a test once to warm up and then as often as asked.</summary>
    public BenchResult Run(BenchTest test, int repetitions, bool warmUp, CancellationToken cancellationToken)
    {
        using var start = _model.CreateState();
        if (test.Depth > 0) Read(start, test.Depth, cancellationToken);
        if (warmUp) Once(start, test with { Prompt = Math.Min(test.Prompt, 64), Generated = Math.Min(test.Generated, 8) }, cancellationToken);
        var time = DateTime.UtcNow;
        var samples = new long[repetitions];
        for (var i = 0; i < samples.Length; i++) samples[i] = Once(start, test, cancellationToken);
        return new BenchResult(test, time, samples);
    }

    /// <summary>Bytes that one generated token reads and writes: every tensor but the embeddings, and the state twice.</summary>
    public long BytesOfStep()
    {
        var weights = _model.Weights;
        using var state = _model.CreateState();
        var embeddings = weights.LmHead == weights.Embeddings ? 0 : weights.Embeddings.ByteLength;
        return weights.ByteLength - embeddings + (2 * state.ByteLength);
    }

    /// <summary>Moves a state over random tokens in one call.</summary>
    public void Read(RecurrentState state, int count, CancellationToken cancellationToken)
    {
        var ids = new int[count];
        foreach (ref var id in ids.AsSpan()) id = _random.Next(_model.Config.VocabSize);
        _model.Forward([new Chunk(state, ids)], _logits, cancellationToken: cancellationToken);
    }

    /// <summary>Moves a state over random tokens one by one, with logits for each.</summary>
    public void Step(RecurrentState state, int count, CancellationToken cancellationToken)
    {
        for (var i = 0; i < count; i++)
        {
            _one[0] = _random.Next(_model.Config.VocabSize);
            _model.Forward([new Chunk(state, _one)], _logits, cancellationToken: cancellationToken);
        }
    }

    public void Dispose() => _model.Dispose();

    private long Once(RecurrentState start, BenchTest test, CancellationToken cancellationToken)
    {
        using var state = start.Fork();
        var began = Stopwatch.GetTimestamp();
        if (test.Prompt > 0) Read(state, test.Prompt, cancellationToken);
        Step(state, test.Generated, cancellationToken);
        return Stopwatch.GetElapsedTime(began).Ticks * 100;
    }
}
