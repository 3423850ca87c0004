namespace FalconMamba.Tests.Model;

/// <summary>How far one model's predictions are from another's.</summary>
internal static class Divergence
{
    /// <summary>The mean over rows of the Kullback–Leibler divergence of softmax(actual) from softmax(expected), in nats.</summary>
    public static double Mean(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, int vocabulary)
    {
        var rows = expected.Length / vocabulary;
        var total = 0.0;
        for (var row = 0; row < rows; row++) total += OfRow(expected.Slice(row * vocabulary, vocabulary), actual.Slice(row * vocabulary, vocabulary));
        return total / rows;
    }

    private static double OfRow(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double p0 = LogSumExp(expected), q0 = LogSumExp(actual), sum = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            var p = expected[i] - p0;
            sum += Math.Exp(p) * (p - (actual[i] - q0));
        }

        return sum;
    }

    private static double LogSumExp(ReadOnlySpan<float> logits)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (var logit in logits) largest = Math.Max(largest, logit);
        foreach (var logit in logits) sum += Math.Exp(logit - largest);
        return largest + Math.Log(sum);
    }
}
