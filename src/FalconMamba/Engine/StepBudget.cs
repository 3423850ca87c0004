namespace FalconMamba.Engine;

/// <summary>
/// How many tokens of prompts a step may read: as many as the time allows that running streams may wait, by what steps with
/// and without prompts have taken so far on this machine.
/// </summary>
/// <param name="options">How long streams may wait.</param>
internal sealed class StepBudget(BatchEngineOptions options)
{
    // What is aimed at: a part of the longest gap, or of the three steps that a stream may wait where those take longer. Single
    // steps have taken three times as long as their neighbours, those of large models twice; and prompts gain little from longer
    // pieces.
    private const double GapParts = 3, StepsAimedAt = 1.65;

    // Before anything is measured; enough for a short prompt.
    private const int FirstTokens = 64;

    // How fast an estimate follows. A step seems short and a token long rather than the other way round: an outlier then costs
    // some speed, and no stream waits for it.
    private const double Readily = 0.5, Slowly = 0.15;

    // Seconds of a step with so many streams and no prompt; 0 where there was none yet.
    private readonly double[] _steps = new double[options.MaxRunning + 1];
    private double _secondsPerToken;
    private int _allowed = FirstTokens;

    /// <summary>How many tokens of prompts the next step may read; at least one.</summary>
    /// <param name="streams">How many streams take part.</param>
    public int PromptTokens(int streams)
    {
        var most = Math.Max(1, options.MaxPromptTokens - streams);
        if (_secondsPerToken > 0) _allowed = (int)Math.Clamp(Seconds(streams) / _secondsPerToken, 1, 2.0 * _allowed);
        return _allowed = Math.Min(_allowed, most);
    }

    /// <summary>Learns from a step.</summary>
    /// <param name="streams">How many streams took part.</param>
    /// <param name="promptTokens">How many tokens of prompts it read.</param>
    /// <param name="seconds">What it took.</param>
    public void Observe(int streams, int promptTokens, double seconds)
    {
        if (promptTokens == 0)
        {
            _steps[streams] = Blend(_steps[streams], seconds, up: Slowly, down: Readily);
            return;
        }

        // The fewer tokens, the more of the time was not theirs: it lies in reading the weights once.
        var trust = Math.Min(1, (double)promptTokens / _allowed);
        _secondsPerToken = Blend(_secondsPerToken, Math.Max(0, seconds - StepOf(streams)) / promptTokens, trust * Readily, trust * Slowly);
    }

    private static double Blend(double old, double seen, double up, double down) =>
        old == 0 ? seen : old + ((seen > old ? up : down) * (seen - old));

    /// <summary>The time for prompts in a step.</summary>
    private double Seconds(int streams)
    {
        if (streams == 0) return options.LongestStep.TotalSeconds;
        var step = StepOf(streams);
        return Math.Max(options.LongestGap.TotalSeconds / GapParts, StepsAimedAt * step) - step;
    }

    // More streams take no less time than fewer, so the nearest smaller number gives no gap away.
    private double StepOf(int streams)
    {
        while (streams > 0 && _steps[streams] == 0) streams--;
        return streams == 0 ? 0 : _steps[streams];
    }
}
