using System.Collections.Immutable;
using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary>What <c>logits</c> is asked for.</summary>
/// <param name="Ids">The prompt [T].</param>
/// <param name="LastOnly">Only the last token's rows.</param>
/// <param name="Hidden">Also the hidden states.</param>
/// <param name="State">Also the state after the prompt.</param>
internal sealed record LogitsRequest(int[] Ids, bool LastOnly, bool Hidden, bool State)
{
    /// <summary>The tokens whose rows are wanted.</summary>
    public int Rows => LastOnly ? 1 : Ids.Length;
}

/// <summary>
/// Something that reads a prompt. The rows of logits go to the file as they come; hidden states are kept until their turn
/// in the file.
/// </summary>
internal abstract class LogitsSource : IDisposable
{
    /// <summary>The model's shape.</summary>
    public abstract FalconMambaConfig Config { get; }

    /// <summary>The tensors in the order of the file; the first one's turn runs the model.</summary>
    public IReadOnlyList<TensorEntry> Entries(LogitsRequest request, IProgress<long> progress, CancellationToken cancellationToken)
    {
        long rows = request.Rows, v = Config.VocabSize, h = Config.HiddenSize, d = Config.IntermediateSize;
        var hidden = new HiddenRows(request.Hidden ? Config.NumHiddenLayers + 2 : 0, request.Ids.Length - request.Rows, cancellationToken);
        var entries = new List<TensorEntry>
        {
            Entry("logits", [rows, v], stream => Run(request, values => Write(stream, values), hidden, progress, cancellationToken)),
        };
        for (var i = 0; i < hidden.Count; i++)
        {
            var index = i;
            entries.Add(Entry($"hidden.{i}", [rows, h], stream => hidden.Take(index).ForEach(row => Write(stream, row))));
        }

        for (var i = 0; request.State && i < Config.NumHiddenLayers; i++)
        {
            var layer = i;
            entries.Add(Entry($"state.{i}.conv", [Config.ConvKernel - 1, d], stream => Write(stream, Convolution(layer))));
            entries.Add(Entry($"state.{i}.ssm", [d, Config.StateSize], stream => Write(stream, Scan(layer))));
        }

        return entries;
    }

    public abstract void Dispose();

    /// <summary>Reads the prompt.</summary>
    /// <param name="request">The prompt and how to read it.</param>
    /// <param name="logits">Takes the wanted rows [any number of rows, vocabulary], in order.</param>
    /// <param name="hidden">Takes the hidden states.</param>
    /// <param name="progress">Told how many tokens are read.</param>
    /// <param name="cancellationToken">Stops between tokens or parts.</param>
    protected abstract void Run(LogitsRequest request, RowWriter logits, HiddenRows hidden, IProgress<long> progress, CancellationToken cancellationToken);

    /// <summary>The convolution's last inputs [K−1, D] of a layer after the prompt.</summary>
    protected abstract float[] Convolution(int layer);

    /// <summary>The scan's state [D, N] of a layer after the prompt.</summary>
    protected abstract float[] Scan(int layer);

    private static TensorEntry Entry(string name, ImmutableArray<long> shape, Action<Stream> write) => new(name, TensorType.F32, shape, write);

    private static void Write(Stream stream, ReadOnlySpan<float> values) => stream.Write(MemoryMarshal.AsBytes(values));
}

/// <summary>Takes some rows of numbers.</summary>
internal delegate void RowWriter(ReadOnlySpan<float> values);

/// <summary>
/// The hidden states of a prompt: a list of rows for each place, from the first wanted token on. It also looks at the
/// cancellation, because a model does so only between parts of a prompt, which can take minutes.
/// </summary>
internal sealed class HiddenRows(int count, int firstToken, CancellationToken cancellationToken) : IActivationTap
{
    private readonly List<float[]>[] _rows = [.. Enumerable.Range(0, count).Select(_ => new List<float[]>())];

    /// <summary>The places, or 0 if none are wanted.</summary>
    public int Count => _rows.Length;

    /// <summary>The first token of the call that runs.</summary>
    public int Start { get; set; }

    /// <summary>Gives a place's rows away, so that they do not stay in memory.</summary>
    public List<float[]> Take(int index)
    {
        var rows = _rows[index];
        _rows[index] = [];
        return rows;
    }

    public void Add(int index, int token, float[] values)
    {
        if (token >= firstToken) _rows[index].Add(values);
    }

    public void Observe(ActivationSite site, int layer, int chunk, int token, ReadOnlySpan<float> values)
    {
        // The state is then inside a token, and of no more use to anyone.
        cancellationToken.ThrowIfCancellationRequested();
        if (Count > 0) Add(layer + 1, Start + token, values.ToArray());
    }
}

/// <summary>The model on its kernels.</summary>
internal sealed class ModelLogits(FalconMambaModel model) : LogitsSource
{
    private readonly RecurrentState _state = model.CreateState();

    public override FalconMambaConfig Config => model.Config;

    public override void Dispose()
    {
        _state.Dispose();
        model.Dispose();
    }

    protected override void Run(LogitsRequest request, RowWriter logits, HiddenRows hidden, IProgress<long> progress, CancellationToken cancellationToken)
    {
        var length = request.Ids.Length;
        // A call takes what goes through the layers together, so that no more rows of logits wait for the file.
        var size = Math.Min(model.PrefillChunkSize, Array.MaxLength / Config.VocabSize);
        var buffer = new float[request.LastOnly ? Config.VocabSize : Math.Min(size, length) * Config.VocabSize];
        for (var start = 0; start < length; start += size)
        {
            var count = Math.Min(size, length - start);
            var rows = request.LastOnly ? start + count == length ? RowSelection.Last : RowSelection.None : RowSelection.All;
            var values = buffer.AsSpan(0, rows switch { RowSelection.All => count, RowSelection.Last => 1, _ => 0 } * Config.VocabSize);
            hidden.Start = start;
            var chunk = new Chunk(_state, request.Ids.AsMemory(start, count)) { Logits = rows };
            model.Forward([chunk], values, tap: hidden, cancellationToken: cancellationToken);
            logits(values);
            progress.Report((long)start + count);
        }
    }

    protected override float[] Convolution(int layer)
    {
        var values = new float[(Config.ConvKernel - 1) * Config.IntermediateSize];
        _state.CopyConvolutionTo(layer, values);
        return values;
    }

    protected override float[] Scan(int layer)
    {
        var values = new float[Config.IntermediateSize * Config.StateSize];
        _state.CopyScanTo(layer, values);
        return values;
    }
}

/// <summary>The float64 reference, token by token, rounded to float32 at the end.</summary>
internal sealed class ReferenceLogits : LogitsSource
{
    private readonly ReferenceModel<double> _model;
    private readonly ReferenceState<double> _state;

    /// <param name="weights">The weights, which may be disposed afterwards.</param>
    /// <param name="options">How to run, as far as it changes what is computed.</param>
    public ReferenceLogits(ModelWeights weights, ModelOptions options)
    {
        Config = weights.Config;
        _model = new ReferenceModel<double>(weights, options);
        _state = _model.CreateState();
    }

    public override FalconMambaConfig Config { get; }

    public override void Dispose()
    {
    }

    protected override void Run(LogitsRequest request, RowWriter logits, HiddenRows hidden, IProgress<long> progress, CancellationToken cancellationToken)
    {
        for (var token = 0; token < request.Ids.Length; token++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var wanted = token >= request.Ids.Length - request.Rows;
            var position = token;
            Action<int, ReadOnlySpan<double>>? observe = hidden.Count > 0 ? (index, values) => hidden.Add(index, position, Round(values)) : null;
            var row = _model.Step(_state, request.Ids[token], observe, wanted);
            if (wanted) logits(Round(row));
            progress.Report((long)token + 1);
        }
    }

    protected override float[] Convolution(int layer) => Round(_state.Convolution[layer]);

    protected override float[] Scan(int layer) => Round(_state.Scan[layer]);

    private static float[] Round(ReadOnlySpan<double> values)
    {
        var rounded = new float[values.Length];
        for (var i = 0; i < rounded.Length; i++) rounded[i] = (float)values[i];
        return rounded;
    }
}
