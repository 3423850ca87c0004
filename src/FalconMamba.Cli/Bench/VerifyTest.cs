using System.Diagnostics;
using System.Text.Json.Nodes;
using FalconMamba.Model;

namespace FalconMamba.Cli.Bench;

/// <summary>
/// What a guess costs and gains: verifications, each of some tokens with logits for all, behind which the state goes back to those
/// that count as accepted. A step of one token comes before each, so that both meet the same machine.
/// </summary>
/// <param name="Rows">The tokens of a verification: one that is certain, and the guessed ones.</param>
/// <param name="Accepted">How many of the guessed ones count as accepted.</param>
/// <param name="Rounds">How many verifications.</param>
internal sealed record VerifyTest(int Rows, int Accepted, int Rounds)
{
    private const int WarmUpRounds = 3;

    /// <summary>Runs the test; medians count.</summary>
    public VerifyResult Run(BenchRunner runner, bool warmUp, CancellationToken cancellationToken)
    {
        using var state = runner.Model.CreateState();
        if (warmUp) runner.Progress.Pause(() => StartTimes.WarmUp(() => Time(runner, state, WarmUpRounds, cancellationToken)));
        ResidentMemory.ResetPeak();
        var (steps, verifications) = Time(runner, state, Rounds, cancellationToken);
        return new VerifyResult(this, steps, verifications, ResidentMemory.Now());
    }

    private (double[] Steps, double[] Verifications) Time(BenchRunner runner, RecurrentState state, int rounds, CancellationToken cancellationToken)
    {
        var (steps, verifications) = (new double[rounds], new double[rounds]);
        for (var i = 0; i < rounds; i++)
        {
            var began = Stopwatch.GetTimestamp();
            runner.Step(state, 1, cancellationToken);
            var stepped = Stopwatch.GetTimestamp();
            runner.Verify(state, Rows, cancellationToken);
            runner.Model.RollBack(state, state.TokenCount - Rows + 1 + Accepted);
            (steps[i], verifications[i]) = (Stopwatch.GetElapsedTime(began, stepped).TotalSeconds, Stopwatch.GetElapsedTime(stepped).TotalSeconds);
        }

        return (steps, verifications);
    }
}

/// <summary>What a <see cref="VerifyTest"/> took: seconds of each step and of each verification with its rollback.</summary>
internal sealed record VerifyResult(VerifyTest Test, IReadOnlyList<double> StepSeconds, IReadOnlyList<double> VerificationSeconds, ResidentMemory Memory)
{
    /// <summary>The table's heading.</summary>
    public const string Heading =
        "| rows | accepted |  step ms | verify ms | ratio | tokens/s | without |\n"
        + "|------|----------|----------|-----------|-------|----------|---------|";

    private double Step => Statistics.Median(StepSeconds);

    private double Verification => Statistics.Median(VerificationSeconds);

    private double Rate => (1 + Test.Accepted) / Verification;

    /// <summary>The fields.</summary>
    public JsonObject Fields(BenchRunner runner)
    {
        var row = BenchRow.Describe(runner, Test.Rows);
        row["n_rows"] = Test.Rows;
        row["n_accepted"] = Test.Accepted;
        row["n_rounds"] = Test.Rounds;
        row["t_step"] = Math.Round(Step, 6);
        row["t_verify"] = Math.Round(Verification, 6);
        row["verify_ratio"] = Math.Round(Verification / Step, 4);
        row["speed"] = Math.Round(Rate, 6);
        row["speed_step"] = Math.Round(1 / Step, 6);
        BenchRow.AddProcess(row, runner, Memory);
        return row;
    }

    /// <summary>The result's line of the table.</summary>
    public string Cells() => FormattableString.Invariant(
        $"|{Test.Rows,5} |{Test.Accepted,9} |{Step * 1e3,9:F3} |{Verification * 1e3,10:F3} |{Verification / Step,6:F2} |{Rate,9:F2} |{1 / Step,8:F2} |");
}
