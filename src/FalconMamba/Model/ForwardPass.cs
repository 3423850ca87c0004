using FalconMamba.Kernels;

namespace FalconMamba.Model;

/// <summary>
/// One call of <see cref="FalconMambaModel.Forward"/>: takes as many tokens as the workspace holds, moves them through all
/// layers, and goes on with the next. Reads like the equations; all speed lies behind the kernels' names.
/// </summary>
/// <remarks>Symbols as in docs/architecture.md: H hidden width, D inner width, N states, K taps, R rank of dt.</remarks>
internal ref struct ForwardPass
{
    private readonly FalconMambaModel _model;
    private readonly int[] _layers;
    private readonly FalconMambaConfig _config;
    private readonly KernelSet _kernels;
    private readonly Workspace _w;
    private readonly ReadOnlySpan<Chunk> _chunks;
    private readonly IActivationTap? _tap;
    private Span<float> _logits, _hidden;
    private int _chunk, _token, _rows, _segmentCount;

    // The chunk and token that the pass began with, to tell the tap which row is whose.
    private int _firstChunk, _firstToken;

    public ForwardPass(
        FalconMambaModel model, int[] layers, Workspace workspace, ReadOnlySpan<Chunk> chunks, Span<float> logits, Span<float> hidden, IActivationTap? tap)
    {
        _model = model;
        _layers = layers;
        _config = model.Config;
        _kernels = model.Prepared.Kernels;
        _w = workspace;
        _chunks = chunks;
        _logits = logits;
        _hidden = hidden;
        _tap = tap;
    }

    /// <summary>Whether every token of every chunk is done.</summary>
    public readonly bool Finished => _chunk == _chunks.Length;

    /// <summary>Runs the next tokens and returns how many there were.</summary>
    public int Next()
    {
        Gather();
        if (_rows > 0)
        {
            Observe(ActivationSite.Embedding, -1, _w.Residual);
            var layers = _model.Prepared.Layers;
            foreach (var i in _layers)
            {
                Mix(layers[i], i);
                Observe(ActivationSite.LayerOutput, i, _w.Residual);
            }

            _kernels.RmsNorm(_w.Residual, _w.Normed, _model.Prepared.NormF, _rows, _config.HiddenSize, (float)_config.LayerNormEpsilon);
            Observe(ActivationSite.FinalNorm, layers.Length, _w.Normed);
        }

        Deliver();
        return _rows;
    }

    /// <summary>Fills the workspace with the embeddings of the next tokens, a segment a chunk.</summary>
    private void Gather()
    {
        (_firstChunk, _firstToken, _rows, _segmentCount) = (_chunk, _token, 0, 0);
        while (_chunk < _chunks.Length && _rows < _w.Capacity)
        {
            ref readonly var chunk = ref _chunks[_chunk];
            var tokens = chunk.Tokens.Span[_token..];
            tokens = tokens[..Math.Min(tokens.Length, _w.Capacity - _rows)];
            if (tokens.Length > 0) Begin(in chunk, tokens.Length);
            foreach (var id in tokens)
                _model.Weights.Embeddings.CopyTo((long)id * _config.HiddenSize, _w.Residual.Row(_rows++, _config.HiddenSize));
            _token += tokens.Length;
            if (_token < chunk.Tokens.Length) break;
            _chunk++;
            _token = 0;
        }
    }

    /// <summary>Adds the segment of a chunk's next tokens.</summary>
    private void Begin(ref readonly Chunk chunk, int count)
    {
        var state = chunk.State;
        if (_token == 0)
        {
            if (chunk.KeepScanInputs) state.KeepScanInputs(chunk.Tokens.Length);
            else state.ForgetScanInputs();
        }

        var kept = state.Kept;
        _w.Kept[_segmentCount] = kept;
        _w.Segments[_segmentCount++] = kept is not null && _token == 0 ? state.SegmentFrom(kept, _rows, count) : state.Segment(_rows, count);
    }

    /// <summary>One layer: h += out_proj(mixer(norm(h))).</summary>
    private readonly void Mix(PreparedLayer layer, int index)
    {
        int h = _config.HiddenSize, d = _config.IntermediateSize, n = _config.StateSize, r = _config.TimeStepRank;
        var width = RecurrentState.Pad(d);
        var weights = layer.Weights;

        var epsilon = (float)_config.LayerNormEpsilon;
        if (width == d)
        {
            _kernels.NormedProduct(weights.InProj, _w.Residual, layer.Norm, epsilon, _w.Normed, _w.U, layer.InProjBias, _rows, _w.Quantized);
        }
        else
        {
            _kernels.RmsNorm(_w.Residual, _w.Normed, layer.Norm, _rows, h, epsilon);
            _kernels.MatrixProduct(weights.InProj, 0, d, _w.Normed, _w.U, layer.InProjBias, _rows, _w.Quantized);
            _kernels.MatrixProduct(weights.InProj, d, d, _w.Normed, _w.Z, layer.InProjBias, _rows, _w.Quantized);
        }

        _kernels.CausalConvolution(_w.Segments, _segmentCount, index, _w.U, _w.X, layer.Convolution, _rows, width);
        _kernels.MatrixProduct(weights.XProj, 0, r + (2 * n), _w.X, _w.Projected, null, _rows, _w.Quantized);
        Split(0, r, _w.DtLow);
        Split(r, n, _w.B);
        Split(r + n, n, _w.C);
        _kernels.MatrixProduct(weights.DtProj, 0, d, _w.DtLow, _w.Dt, null, _rows, _w.Quantized);
        for (var i = 0; i < _segmentCount; i++) _w.Kept[i]?.Keep(index, in _w.Segments[i], _w.U, _w.Dt, _w.B);
        var activations = new ScanActivations(_w.X, _w.Z, _w.Dt, _w.B, _w.C);
        _kernels.SelectiveScan(_w.Segments, _segmentCount, index, in activations, layer.Scan, _rows, width);
        _kernels.MatrixProduct(weights.OutProj, 0, h, _w.X, _w.Residual, layer.OutProjBias, _rows, _w.Quantized, accumulate: true);
    }

    /// <summary>Takes one of dt, B, C out of x_proj's rows, with the weightless norm that makes a Mamba a Falcon Mamba.</summary>
    private readonly void Split(int start, int width, Rows destination)
    {
        var source = _w.Projected with { Offset = start };
        if (_config.NormalizesDtBC)
        {
            _kernels.RmsNorm(source, destination, null, _rows, width, (float)_config.MixerRmsEps);
            return;
        }

        for (var row = 0; row < _rows; row++) source.Row(row, width).CopyTo(destination.Row(row, width));
    }

    /// <summary>
    /// Moves the states' counts, keeps their last hidden rows, and writes the rows that were asked for. The residual's
    /// buffer has done its work and gathers the rows that want logits.
    /// </summary>
    private void Deliver()
    {
        int chunk = _firstChunk, token = _firstToken, row = 0, wanted = 0;
        while (chunk < _chunk || (chunk == _chunk && chunk < _chunks.Length && token < _token))
        {
            ref readonly var c = ref _chunks[chunk];
            var end = chunk < _chunk ? c.Tokens.Length : _token;
            if (end > token)
            {
                _w.Normed.Row(row + end - token - 1, _config.HiddenSize).CopyTo(c.State.LastHiddenRow);
                c.State.TokenCount += end - token;
                c.State.Kept?.Add(_w.Normed, row, end - token);
            }

            var finished = end == c.Tokens.Length;
            for (; token < end; token++, row++)
            {
                if (c.Hidden == RowSelection.All) Take(ref _hidden, _w.Normed.Row(row, _config.HiddenSize));
                if (c.Logits == RowSelection.All) _w.Normed.Row(row, _config.HiddenSize).CopyTo(Wanted(ref wanted));
            }

            if (finished && c.Hidden == RowSelection.Last) Take(ref _hidden, c.State.LastHidden);
            if (finished && c.Logits == RowSelection.Last) c.State.LastHidden.CopyTo(Wanted(ref wanted));
            chunk++;
            token = 0;
        }

        Project(wanted);
    }

    /// <summary>The place of the next row that wants logits; makes room where chunks without tokens ask for more than fits.</summary>
    private Span<float> Wanted(ref int wanted)
    {
        if (wanted == _w.Capacity)
        {
            Project(wanted);
            wanted = 0;
        }

        return _w.Residual.Row(wanted++, _config.HiddenSize);
    }

    private void Project(int rows)
    {
        if (rows == 0) return;
        _kernels.MatrixProduct(_model.Weights.LmHead, _w.Residual, _logits, rows, _w.Quantized);
        _logits = _logits[(rows * _config.VocabSize)..];
    }

    private static void Take(ref Span<float> destination, ReadOnlySpan<float> row)
    {
        row.CopyTo(destination);
        destination = destination[row.Length..];
    }

    private readonly void Observe(ActivationSite site, int layer, Rows rows)
    {
        if (_tap is null) return;
        int chunk = _firstChunk, token = _firstToken;
        for (var row = 0; row < _rows; row++, token++)
        {
            while (token == _chunks[chunk].Tokens.Length) (chunk, token) = (chunk + 1, 0);
            _tap.Observe(site, layer, chunk, token, rows.Row(row, _config.HiddenSize));
        }
    }
}
