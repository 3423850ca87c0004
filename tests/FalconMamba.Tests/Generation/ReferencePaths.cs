using FalconMamba.Generation;
using FalconMamba.Model;

namespace FalconMamba.Tests.Generation;

/// <summary>
/// Log probabilities of continuations by the float64 reference model, over a few allowed tokens, so that all of them can be
/// enumerated.
/// </summary>
internal sealed class ReferencePaths : IDisposable
{
    private readonly ReferenceModel<double> _reference;
    private readonly int[] _prompt;
    private readonly int[] _allowed;
    private readonly Dictionary<string, double[]> _known = [];

    public ReferencePaths(string name, int[] prompt, int[] allowed)
    {
        Model = FalconMambaModel.Load(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", name));
        _reference = new ReferenceModel<double>(Model.Weights);
        (_prompt, _allowed) = (prompt, allowed);
    }

    public FalconMambaModel Model { get; }

    /// <summary>Forbids all other tokens.</summary>
    public ILogitsProcessor Only => new AllowedTokens(_allowed);

    /// <summary>The log probability of every allowed token behind the prompt and a path, among all tokens.</summary>
    public IEnumerable<(int Id, double Logprob)> Next(int[] path)
    {
        var key = string.Join(' ', path);
        if (!_known.TryGetValue(key, out var logprobs)) _known[key] = logprobs = Compute(path);
        return _allowed.Select(id => (id, logprobs[id]));
    }

    public void Dispose() => Model.Dispose();

    private double[] Compute(int[] path)
    {
        var state = _reference.CreateState();
        double[] logits = [];
        foreach (var id in (int[])[.. _prompt, .. path]) logits = _reference.Step(state, id);
        var shift = logits.Max() + Math.Log(logits.Sum(x => Math.Exp(x - logits.Max())));
        return [.. logits.Select(x => x - shift)];
    }

    private sealed class AllowedTokens(int[] allowed) : ILogitsProcessor
    {
        public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
        {
            for (var id = 0; id < logits.Length; id++)
                if (Array.IndexOf(allowed, id) < 0) logits[id] = float.NegativeInfinity;
        }
    }
}
