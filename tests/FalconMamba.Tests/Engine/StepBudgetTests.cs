using FalconMamba.Engine;

namespace FalconMamba.Tests.Engine;

/// <summary>The budget against machines that are formulas: no clock takes part.</summary>
public class StepBudgetTests
{
    // Seconds of a step: streams cost little beside the weights, which prompts alone read too.
    [Theory]
    [InlineData(0.003, 0.0001, 0.00035, 1)]
    [InlineData(0.003, 0.0001, 0.00035, 16)]
    [InlineData(0.085, 0.020, 0.016, 1)]
    [InlineData(0.085, 0.020, 0.016, 8)]
    [InlineData(0.020, 0.001, 0.004, 4)]
    public void A_stream_waits_no_longer_than_it_may(double weights, double perStream, double perToken, int streams)
    {
        var budget = new StepBudget(new BatchEngineOptions());
        // The streams' own prompts are read first, one after the other.
        for (var i = 0; i < streams; i++) Step(0, Math.Min(20, budget.PromptTokens(0)));
        for (var i = 0; i < 20; i++) Step(streams, 0);
        var undisturbed = Seconds(streams, 0);
        var read = 0;
        var time = 0.0;
        for (var i = 0; i < 200; i++)
        {
            var tokens = budget.PromptTokens(streams);
            var seconds = Step(streams, tokens);
            // Neighbours on the same machine have made single steps nearly twice as long.
            Assert.InRange(1.8 * seconds, 0, Math.Max(0.150, 3 * undisturbed));
            (read, time) = (read + tokens, time + seconds);
        }

        // Prompts have at least a third of the time.
        Assert.InRange(read * perToken / time, 0.33, 1);

        double Seconds(int running, int tokens) => weights + (running * perStream) + (tokens * perToken);

        double Step(int running, int tokens)
        {
            var seconds = Seconds(running, tokens);
            budget.Observe(running, tokens, seconds);
            return seconds;
        }
    }

    [Fact]
    public void One_slow_step_is_soon_forgotten()
    {
        var budget = new StepBudget(new BatchEngineOptions());
        for (var i = 0; i < 30; i++) budget.Observe(1, 0, 0.003);
        budget.Observe(1, 0, 2);
        for (var i = 0; i < 10; i++) budget.Observe(1, 0, 0.003);
        for (var i = 0; i < 30; i++) budget.Observe(1, budget.PromptTokens(1), 0.003 + (budget.PromptTokens(1) * 0.0005));
        Assert.InRange(budget.PromptTokens(1) * 0.0005, 0.03, 0.147);
        budget.Observe(1, 100, 3);
        for (var i = 0; i < 40; i++) budget.Observe(1, budget.PromptTokens(1), 0.003 + (budget.PromptTokens(1) * 0.0005));
        Assert.InRange(budget.PromptTokens(1) * 0.0005, 0.03, 0.147);
    }

    [Fact]
    public void The_most_is_kept_and_one_is_the_least()
    {
        var budget = new StepBudget(new BatchEngineOptions { MaxPromptTokens = 32, MaxRunning = 40 });
        Assert.Equal(32, budget.PromptTokens(0));
        Assert.Equal(1, budget.PromptTokens(40));
        budget.Observe(1, 1, 100);
        Assert.Equal(1, budget.PromptTokens(1));
        for (var i = 0; i < 100; i++) budget.Observe(0, budget.PromptTokens(0), 1e-6);
        Assert.Equal(32, budget.PromptTokens(0));
    }
}
