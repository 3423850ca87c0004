using System.Diagnostics;
using FalconMamba.Model;

namespace FalconMamba.Engine;

/// <summary>
/// The requests that run. A step is one forward pass over the next token of every stream and pieces of the prompts that are
/// being read. For the engine's thread only.
/// </summary>
internal sealed class Batch
{
    private readonly IModelRunner _model;
    private readonly StepBudget _budget;
    private readonly PromptShare _share = new();
    private readonly int _capacity;
    private readonly List<BatchSequence> _running, _prompts;

    // The chunks of a step, and whose they are.
    private readonly Chunk[] _chunks;
    private readonly BatchSequence[] _stepping;
    private float[] _logits = [];
    private int _count, _rows;
    private long _steps, _promptTokens, _generatedTokens;

    public Batch(IModelRunner model, BatchEngineOptions options)
    {
        _model = model;
        _budget = new StepBudget(options);
        _capacity = options.MaxRunning;
        (_running, _prompts) = (new List<BatchSequence>(_capacity), new List<BatchSequence>(_capacity));
        (_chunks, _stepping) = (new Chunk[_capacity], new BatchSequence[_capacity]);
    }

    /// <summary>How many run.</summary>
    public int Count => _running.Count;

    /// <summary>Whether one more may run.</summary>
    public bool HasRoom => Count < _capacity;

    /// <summary>Forward passes so far, and the tokens of prompts and of answers in them; any thread may ask.</summary>
    public (long Steps, long PromptTokens, long GeneratedTokens) Totals =>
        (Volatile.Read(ref _steps), Volatile.Read(ref _promptTokens), Volatile.Read(ref _generatedTokens));

    /// <summary>Whether a step would do something.</summary>
    public bool CanStep
    {
        get
        {
            foreach (var sequence in _running)
                if (sequence.CanStep || (sequence.Tokens.IsCancelled && !sequence.IsHeld)) return true;
            return false;
        }
    }

    /// <summary>How many requests of an owner run.</summary>
    public int RunningOf(string? owner) => OwnerOf(owner)?.Running ?? 0;

    /// <summary>Lets a request in; it begins with the next step.</summary>
    public void Add(BatchSequence sequence)
    {
        sequence.Owner = OwnerOf(sequence.OwnerName) ?? new Owner(sequence.OwnerName);
        sequence.Owner.Running++;
        _running.Add(sequence);
    }

    /// <summary>Moves all that can be moved by one forward pass.</summary>
    public void Step()
    {
        var start = Stopwatch.GetTimestamp();
        Remove();
        Begin();
        var (streams, promptTokens) = Gather();
        if (_count > 0)
        {
            Forward();
            Deliver();
            _budget.Observe(streams, promptTokens, Stopwatch.GetElapsedTime(start).TotalSeconds);
            Volatile.Write(ref _steps, _steps + 1);
            Volatile.Write(ref _promptTokens, _promptTokens + promptTokens);
        }

        Remove();
    }

    /// <summary>Cuts all off.</summary>
    public void End()
    {
        foreach (var sequence in _running)
        {
            sequence.End(cancelled: true);
            sequence.AwaitLookup();
        }

        Remove();
    }

    private Owner? OwnerOf(string? name)
    {
        foreach (var sequence in _running)
            if (sequence.Owner.Name == name) return sequence.Owner;
        return null;
    }

    private void Begin()
    {
        foreach (var sequence in _running)
        {
            if (sequence is { IsLooking: true, IsHeld: false }) Try(sequence, static sequence => sequence.TakeFound());
            if (sequence.HasBegun) continue;
            if (sequence.GivenState is { } state && IsTaken(state))
                sequence.End(new InvalidOperationException("The state takes part in another request that still runs: give a fork."));
            else Try(sequence, static sequence => sequence.Begin());
        }
    }

    private bool IsTaken(RecurrentState state)
    {
        foreach (var sequence in _running)
            if (sequence.HasBegun && sequence.GivenState == state) return true;
        return false;
    }

    private (int Streams, int PromptTokens) Gather()
    {
        (_count, _rows) = (0, 0);
        _prompts.Clear();
        foreach (var sequence in _running)
        {
            if (sequence.IsEnded || sequence.IsLooking) continue;
            if (!sequence.IsReading && sequence.CanStep) Put(sequence);
            else if (sequence.IsReading && Try(sequence, static sequence => sequence.Want())) _prompts.Add(sequence);
        }

        var streams = _count;
        if (_prompts.Count == 0) return (streams, 0);
        var given = _share.Divide(_prompts, _budget.PromptTokens(streams));
        foreach (var prompt in _prompts)
            if (prompt.Share > 0) Put(prompt);
        return (streams, given);
    }

    private void Put(BatchSequence sequence)
    {
        ref var chunk = ref _chunks[_count];
        (chunk, _stepping[_count++]) = (sequence.Next(), sequence);
        if (chunk.Logits == RowSelection.Last) _rows++;
    }

    private void Forward()
    {
        var vocabulary = _model.Config.VocabSize;
        try
        {
            if (_logits.Length < _rows * vocabulary) _logits = new float[Math.Min(_capacity, 2 * _rows) * vocabulary];
            _model.Forward(_chunks.AsSpan(0, _count), _logits);
        }
        catch (Exception e) when (_count > 1 && e is ArgumentException or NotSupportedException)
        {
            // A chunk is not as it should be, and nothing has happened: each goes alone, and one fails.
            ForwardEach(vocabulary);
        }
        catch (Exception e)
        {
            for (var i = 0; i < _count; i++) _stepping[i].End(e);
        }
    }

    private void ForwardEach(int vocabulary)
    {
        var row = 0;
        for (var i = 0; i < _count; i++)
        {
            var rows = _chunks[i].Logits == RowSelection.Last ? 1 : 0;
            try
            {
                _model.Forward(_chunks.AsSpan(i, 1), _logits.AsSpan(row * vocabulary, rows * vocabulary));
            }
            catch (Exception e)
            {
                _stepping[i].End(e);
            }

            row += rows;
        }
    }

    private void Deliver()
    {
        var (row, vocabulary) = (0, _model.Config.VocabSize);
        for (var i = 0; i < _count; i++)
        {
            var sequence = _stepping[i];
            var logits = _chunks[i].Logits == RowSelection.Last ? _logits.AsSpan(row++ * vocabulary, vocabulary) : default;
            if (sequence.IsEnded || sequence.Tokens.IsCancelled) continue;
            Advance(sequence, logits);
        }

        // Nothing keeps a state that is idle again.
        Array.Clear(_chunks, 0, _count);
        Array.Clear(_stepping, 0, _count);
    }

    private void Advance(BatchSequence sequence, Span<float> logits)
    {
        try
        {
            sequence.Advance(logits);
            if (!logits.IsEmpty) Volatile.Write(ref _generatedTokens, _generatedTokens + 1);
        }
        catch (Exception e)
        {
            sequence.End(e);
        }
    }

    // What goes wrong with one ends that one alone.
    private static bool Try(BatchSequence sequence, Action<BatchSequence> action)
    {
        try
        {
            action(sequence);
            return true;
        }
        catch (Exception e)
        {
            sequence.End(e);
            return false;
        }
    }

    /// <summary>Lets go of those that are over or cancelled.</summary>
    private void Remove()
    {
        for (var i = Count - 1; i >= 0; i--)
        {
            var sequence = _running[i];
            if (sequence.Tokens.IsCancelled) sequence.End(cancelled: true);
            if (!sequence.IsEnded || sequence.IsHeld) continue;
            sequence.Owner.Running--;
            _running.RemoveAt(i);
            sequence.Leave();
        }
    }
}
