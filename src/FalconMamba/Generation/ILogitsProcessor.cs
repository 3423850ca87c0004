namespace FalconMamba.Generation;

/// <summary>
/// Changes the logits of the next token in view of the tokens before it. It keeps nothing from call to call that would change
/// a result: the sequences of a batch and of a beam search share one.
/// </summary>
public interface ILogitsProcessor
{
    /// <summary>Changes the logits in place.</summary>
    /// <param name="ids">The sequence so far, prompt and output.</param>
    /// <param name="promptLength">How many of them are the prompt.</param>
    /// <param name="logits">[V]; minus infinity forbids a token.</param>
    void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits);
}
