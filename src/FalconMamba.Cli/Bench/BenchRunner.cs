using System.Diagnostics;
using FalconMamba.Model;

namespace FalconMamba.Cli.Bench;

/// <summary>Times forward passes of one model on random tokens; neither tokenizing nor sampling is timed.</summary>
internal sealed class BenchRunner : IDisposable
{
    private const int WarmUpPrompt = 64, WarmUpSteps = 8;

    private readonly Random _random = new(1);
    private readonly int[] _one = new int[1];
    private int[] _pass = [], _guess = [];
    private float[] _logits;

    /// <summary>Loads a model and runs its first token.</summary>
    /// <param name="terminal">Where to show how far loading is.</param>
    /// <param name="path">A folder or a GGUF file.</param>
    /// <param name="options">How to run.</param>
    /// <param name="start">Told of the first token.</param>
    /// <param name="cancellationToken">Looked at while files are read.</param>
    public BenchRunner(Terminal terminal, string path, ModelOptions options, StartTimes start, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        Model = ModelLoading.Load(terminal, path, options, cancellationToken);
        LoadMilliseconds = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        Path = path;
        Start = start;
        Work = new TokenWork(Model, options);
        _logits = new float[Model.Config.VocabSize];
        using var state = Model.CreateState();
        start.Watch(() => Step(state, 1, CancellationToken.None));
    }

    public FalconMambaModel Model { get; }

    public string Path { get; }

    public TokenWork Work { get; }

    public StartTimes Start { get; }

    public double LoadMilliseconds { get; }

    /// <summary>Counts the tokens that are run.</summary>
    public TokenProgress Progress { get; } = new();

    /// <summary>Runs a short form of a test to warm up, and then the test as often as asked.</summary>
    public BenchResult Run(BenchTest test, int repetitions, bool warmUp, CancellationToken cancellationToken)
    {
        using var start = Model.CreateState();
        if (test.Depth > 0) Read([start], test.Depth, test.Batch, cancellationToken);
        var warmUpTest = test with { Prompt = Math.Min(test.Prompt, WarmUpPrompt), Generated = Math.Min(test.Generated, WarmUpSteps) };
        if (warmUp) Progress.Pause(() => StartTimes.WarmUp(() => Once(start, warmUpTest, cancellationToken)));
        ResidentMemory.ResetPeak();
        var time = DateTime.UtcNow;
        var samples = new long[repetitions];
        for (var i = 0; i < samples.Length; i++) samples[i] = Once(start, test, cancellationToken);
        return new BenchResult(test, time, samples, ResidentMemory.Now());
    }

    /// <summary>Moves each state over random tokens, no more than a batch of them in a call.</summary>
    public void Read(RecurrentState[] states, int count, int batch, CancellationToken cancellationToken)
    {
        var ids = new int[states.Length][];
        var chunks = new Chunk[states.Length];
        foreach (ref var row in ids.AsSpan()) row = new int[count];
        foreach (var row in ids)
            foreach (ref var id in row.AsSpan()) id = _random.Next(Model.Config.VocabSize);
        var share = Math.Max(1, batch / states.Length);
        for (var at = 0; at < count; at += share)
        {
            for (var i = 0; i < chunks.Length; i++) chunks[i] = new Chunk(states[i], ids[i].AsMemory(at, Math.Min(share, count - at)));
            Forward(chunks, cancellationToken);
        }
    }

    /// <summary>Moves a state over random tokens as a long prompt does: no more than a pass of them in a call, and no logits.</summary>
    public void Read(RecurrentState state, int count, CancellationToken cancellationToken)
    {
        if (_pass.Length == 0) _pass = new int[Model.PrefillChunkSize];
        for (var at = 0; at < count; at += _pass.Length)
        {
            var tokens = Math.Min(_pass.Length, count - at);
            foreach (ref var id in _pass.AsSpan(0, tokens)) id = _random.Next(Model.Config.VocabSize);
            Forward([new Chunk(state, _pass.AsMemory(0, tokens)) { Logits = RowSelection.None }], cancellationToken);
        }
    }

    /// <summary>Moves a state over random tokens one by one, with logits for each.</summary>
    public void Step(RecurrentState state, int count, CancellationToken cancellationToken)
    {
        for (var i = 0; i < count; i++)
        {
            _one[0] = _random.Next(Model.Config.VocabSize);
            Forward([new Chunk(state, _one)], cancellationToken);
        }
    }

    /// <summary>Moves states over random tokens in step, with logits for each.</summary>
    public void Step(RecurrentState[] states, int count, CancellationToken cancellationToken)
    {
        var ids = new int[states.Length];
        var chunks = new Chunk[states.Length];
        for (var i = 0; i < chunks.Length; i++) chunks[i] = new Chunk(states[i], ids.AsMemory(i, 1));
        for (var i = 0; i < count; i++)
        {
            foreach (ref var id in ids.AsSpan()) id = _random.Next(Model.Config.VocabSize);
            Forward(chunks, cancellationToken);
        }
    }

    /// <summary>Moves a state over random tokens as a verification does: in one call, with logits for each, and a way back.</summary>
    public void Verify(RecurrentState state, int rows, CancellationToken cancellationToken)
    {
        if (_guess.Length != rows) _guess = new int[rows];
        foreach (ref var id in _guess.AsSpan()) id = _random.Next(Model.Config.VocabSize);
        var needed = rows * Model.Config.VocabSize;
        if (_logits.Length < needed) _logits = new float[needed];
        Model.Forward([new Chunk(state, _guess) { Logits = RowSelection.All, KeepScanInputs = true }], _logits, progress: Progress, cancellationToken: cancellationToken);
        Progress.Add(rows);
    }

    public void Dispose() => Model.Dispose();

    private void Forward(ReadOnlySpan<Chunk> chunks, CancellationToken cancellationToken)
    {
        var needed = chunks.Length * Model.Config.VocabSize;
        if (_logits.Length < needed) _logits = new float[needed];
        Model.Forward(chunks, _logits, progress: Progress, cancellationToken: cancellationToken);
        foreach (ref readonly var chunk in chunks) Progress.Add(chunk.Tokens.Length);
    }

    private long Once(RecurrentState start, BenchTest test, CancellationToken cancellationToken)
    {
        using var state = start.Fork();
        var began = Stopwatch.GetTimestamp();
        if (test.Prompt > 0) Read([state], test.Prompt, test.Batch, cancellationToken);
        Step(state, test.Generated, cancellationToken);
        return (long)(Stopwatch.GetElapsedTime(began).TotalSeconds * 1e9);
    }
}
