namespace FalconMamba.Extensions.AI;

/// <summary>A request asks for something that the model or this software cannot do: nothing is left out in silence.</summary>
public sealed class UnsupportedOptionException : NotSupportedException
{
    /// <summary>Creates the error for one option.</summary>
    /// <param name="option">The option's name, as <c>ChatOptions</c> or <c>EmbeddingGenerationOptions</c> has it, or the key of an additional property.</param>
    /// <param name="message">One sentence that says why, and what to do.</param>
    /// <param name="innerException">The error that led here, if any.</param>
    public UnsupportedOptionException(string option, string message, Exception? innerException = null)
        : base(message, innerException) => Option = option;

    /// <summary>The option's name.</summary>
    public string Option { get; }
}
