namespace FalconMamba.Model;

/// <summary>A state was used with a model it does not belong to.</summary>
public sealed class StateMismatchException : InvalidOperationException
{
    private StateMismatchException(string expected, string found)
        : base($"The state belongs to a model with fingerprint {found}, this model's is {expected}: use the state with the model that made it.")
    {
    }

    internal static void ThrowIfDifferent(string expected, string found)
    {
        if (expected != found) throw new StateMismatchException(expected, found);
    }
}
