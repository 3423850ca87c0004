namespace FalconMamba.Generation.Filters;

/// <summary>Divides the logits.</summary>
internal sealed class TemperatureFilter(double temperature) : ICandidateFilter
{
    public void Apply(Candidates candidates, in DrawPlace draw) => candidates.Divide((float)temperature);
}

/// <summary>
/// Divides by a temperature that follows the entropy: temperature − range where the model is sure, temperature + range where
/// every token is as likely, in between with the entropy's share to a power. As in llama.cpp.
/// </summary>
internal sealed class DynamicTemperatureFilter(double temperature, double range, double exponent) : ICandidateFilter
{
    private const double LeastTemperature = 1e-5;

    public void Apply(Candidates candidates, in DrawPlace draw)
    {
        if (candidates.Count <= 1) return;
        var share = Math.Clamp(candidates.Entropy() / Math.Log(candidates.Count), 0, 1);
        var least = Math.Max(0, temperature - range);
        var dynamic = least + ((temperature + range - least) * Math.Pow(share, exponent));
        candidates.Divide((float)Math.Max(dynamic, LeastTemperature));
    }
}
