using System.Diagnostics;
using System.Text.Json.Nodes;
using FalconMamba.Generation;
using FalconMamba.Model;

namespace FalconMamba.Cli.Bench;

/// <summary>
/// What guessing costs where nothing comes true: two generations from one prompt, with and without an assistant that is wrong,
/// go on in turn, a few tokens at a time, so that both meet the same machine. They run as <c>generate</c> does, so that how
/// guessing backs off is in it from the first token on.
/// </summary>
/// <param name="Rows">The tokens of a verification at most: one that is certain, and the guessed ones.</param>
/// <param name="Tokens">How many tokens each generates.</param>
internal sealed record WrongGuessTest(int Rows, int Tokens)
{
    /// <summary>The tokens of a stretch in which a guess is tried once when guessing has backed off as far as it does.</summary>
    public const int Period = 64;

    /// <summary>The tokens after which it is the other's turn: less than what disturbs a machine lasts, and a part of a period.</summary>
    public const int Turn = 16;

    private const int PromptTokens = 16, WarmUpTokens = 24;

    /// <summary>Runs the test.</summary>
    /// <param name="runner">The model.</param>
    /// <param name="assistant">Guesses; null for one that takes no time and names a token that the model finds unlikely.</param>
    /// <param name="warmUp">Whether a short form comes first, which does not count.</param>
    /// <param name="cancellationToken">Looked at before every token.</param>
    public WrongGuessResult Run(BenchRunner runner, IModelRunner? assistant, bool warmUp, CancellationToken cancellationToken)
    {
        using var state = runner.Model.CreateState();
        var prompt = new int[PromptTokens];
        var random = new Random(1);
        foreach (ref var id in prompt.AsSpan()) id = random.Next(runner.Model.Config.VocabSize);
        var logits = new float[runner.Model.Config.VocabSize];
        runner.Model.Forward([new Chunk(state, prompt)], logits, cancellationToken: cancellationToken);
        assistant ??= new WrongModel(runner.Model, logits.IndexOf(logits.Min()));
        var guesses = new GenerationOptions { AssistantModel = assistant, NumAssistantTokens = Rows - 1, AssistantConfidenceThreshold = 0 };
        if (warmUp) runner.Progress.Pause(() => StartTimes.WarmUp(() => Time(runner, prompt, guesses, WarmUpTokens, cancellationToken)));
        ResidentMemory.ResetPeak();
        return Time(runner, prompt, guesses, Tokens, cancellationToken);
    }

    private WrongGuessResult Time(BenchRunner runner, int[] prompt, GenerationOptions guesses, int tokens, CancellationToken cancellationToken)
    {
        using var plain = new TimedGeneration(runner.Model, prompt, new GenerationOptions(), tokens, cancellationToken);
        using var guessing = new TimedGeneration(runner.Model, prompt, guesses, tokens, cancellationToken);
        for (var (at, plainFirst) = (0, true); at < tokens; plainFirst = !plainFirst)
        {
            var count = Math.Min(Turn, tokens - at);
            // Each goes first in turn: a machine that slows down favours neither.
            (plainFirst ? plain : guessing).GoOn(count);
            (plainFirst ? guessing : plain).GoOn(count);
            at += count;
            runner.Progress.Add(2 * count);
            runner.Progress.Report(0);
        }

        return new WrongGuessResult(this, plain.Seconds, guessing.Seconds, guessing.Verified, guessing.Counts, ResidentMemory.Now());
    }

    /// <summary>A generation of which each token is timed.</summary>
    private sealed class TimedGeneration : IDisposable
    {
        private readonly RecurrentState _state;
        private readonly TokenGenerator _generator;
        private readonly IEnumerator<int> _ids;
        private int _count;

        public TimedGeneration(FalconMambaModel model, int[] prompt, GenerationOptions options, int tokens, CancellationToken cancellationToken)
        {
            (Seconds, Verified) = (new double[tokens], new bool[tokens]);
            _state = model.CreateState();
            _generator = new TokenGenerator(model, options with { MaxNewTokens = tokens, IgnoreEos = true });
            _ids = _generator.Generate(_state, prompt, cancellationToken: cancellationToken).GetEnumerator();
        }

        /// <summary>What each token took.</summary>
        public double[] Seconds { get; }

        /// <summary>Whether guesses were verified for it.</summary>
        public bool[] Verified { get; }

        public SpeculationCounts Counts => _generator.Speculation;

        public void GoOn(int count)
        {
            for (var end = _count + count; _count < end; _count++)
            {
                var drafted = Counts.Drafted;
                var began = Stopwatch.GetTimestamp();
                _ids.MoveNext();
                Seconds[_count] = Stopwatch.GetElapsedTime(began).TotalSeconds;
                Verified[_count] = Counts.Drafted > drafted;
            }
        }

        public void Dispose()
        {
            _ids.Dispose();
            _generator.Dispose();
            _state.Dispose();
        }
    }
}

/// <summary>What a <see cref="WrongGuessTest"/> took: seconds of each token, plain and guessing, and for which of the latter guesses were verified.</summary>
internal sealed record WrongGuessResult(WrongGuessTest Test, double[] Plain, double[] Guessing, bool[] Verified, SpeculationCounts Counts, ResidentMemory Memory)
{
    /// <summary>The table's heading.</summary>
    public const string Heading =
        "| rows | tokens | verified | guesses | accepted |  step ms | verify ms | cost % | by turns % | steady % |\n"
        + "|------|--------|----------|---------|----------|----------|-----------|--------|------------|----------|";

    private int Verifications => Verified.Count(isVerified => isVerified);

    private double Step => Statistics.Median(Plain);

    private double Verification => Of(true, ..).DefaultIfEmpty().Average();

    /// <summary>By how much all tokens took longer, those of backing off among them.</summary>
    private double Cost => (Guessing.Sum() / Plain.Sum()) - 1;

    /// <summary>
    /// The same in steps of the turn beside: a verification counts as so many, every other token as the median of all turns
    /// tells. What disturbs the machine for longer than a turn, or for a token, is not in it.
    /// </summary>
    private double CostByTurns
    {
        get
        {
            var (ordinary, verifications) = (new List<double>(), 0.0);
            for (var at = 0; at < Plain.Length; at += WrongGuessTest.Turn)
            {
                var turn = new Range(at, Math.Min(at + WrongGuessTest.Turn, Plain.Length));
                var step = Statistics.Median(Plain[turn]);
                verifications += Of(true, turn).Sum() / step;
                if (Of(false, turn).ToArray() is { Length: > 0 } others) ordinary.Add(Statistics.Median(others) / step);
            }

            return ((verifications + ((Plain.Length - Verifications) * Statistics.Median(ordinary))) / Plain.Length) - 1;
        }
    }

    /// <summary>The ratios of stretches with one verification each, behind the one in which guessing backs off.</summary>
    private double[] SteadyRatios
    {
        get
        {
            return [.. Enumerable.Range(1, (Plain.Length / WrongGuessTest.Period) - 1).Select(stretch => SumOf(Guessing, stretch) / SumOf(Plain, stretch))];

            static double SumOf(double[] seconds, int stretch) => seconds.Skip(stretch * WrongGuessTest.Period).Take(WrongGuessTest.Period).Sum();
        }
    }

    private double SteadyCost => Statistics.Median(SteadyRatios) - 1;

    /// <summary>The fields.</summary>
    public JsonObject Fields(BenchRunner runner)
    {
        var row = BenchRow.Describe(runner, Test.Rows);
        row["n_rows"] = Test.Rows;
        row["n_gen"] = Test.Tokens;
        row["n_verifications"] = Verifications;
        row["n_drafted"] = Counts.Drafted;
        row["n_accepted"] = Counts.Accepted;
        row["t_step"] = Math.Round(Step, 6);
        row["t_verify"] = Math.Round(Verification, 6);
        row["t_plain"] = Math.Round(Plain.Sum(), 6);
        row["t_guessing"] = Math.Round(Guessing.Sum(), 6);
        row["cost"] = Math.Round(Cost, 5);
        row["cost_by_turns"] = Math.Round(CostByTurns, 5);
        row["cost_steady"] = Math.Round(SteadyCost, 5);
        BenchRow.AddProcess(row, runner, Memory);
        row["steady_ratios"] = new JsonArray([.. SteadyRatios.Select(ratio => JsonValue.Create(Math.Round(ratio, 5)))]);
        return row;
    }

    /// <summary>The result's line of the table.</summary>
    public string Cells() => FormattableString.Invariant(
        $"|{Test.Rows,5} |{Test.Tokens,7} |{Verifications,9} |{Counts.Drafted,8} |{Counts.Accepted,9} |{Step * 1e3,9:F3} |{Verification * 1e3,10:F3} |{Cost * 100,7:F2} |{CostByTurns * 100,11:F2} |{SteadyCost * 100,9:F2} |");

    private IEnumerable<double> Of(bool isVerified, Range range) => Guessing.Zip(Verified).Take(range).Where(token => token.Second == isVerified).Select(token => token.First);
}
