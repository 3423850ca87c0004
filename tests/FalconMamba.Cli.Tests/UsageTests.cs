namespace FalconMamba.Cli.Tests;

public class UsageTests
{
    [Theory]
    [InlineData("no verb was given", new string[0])]
    [InlineData("there is no verb sing", new[] { "sing" })]
    [InlineData("there is no option --loud", new[] { "generate", "--loud" })]
    [InlineData("there is no option --loud", new[] { "tokenize", "shakespeare-4m", "--loud" })]
    [InlineData("--loud", new[] { "inspect", "shakespeare-4m", "--loud" })]
    [InlineData("MODEL", new[] { "inspect" })]
    [InlineData("MODEL is owner/name", new[] { "pull", "a/b/c" })]
    [InlineData("MODEL is owner/name", new[] { "models", "info", ".." })]
    [InlineData("try 'falcon-mamba models list' (see 'falcon-mamba models --help')", new[] { "models" })]
    [InlineData("see 'falcon-mamba models delete --help'", new[] { "models", "delete" })]
    [InlineData("takes a whole number from 1 to 4096", new[] { "inspect", "shakespeare-4m", "-t", "0" })]
    public void Wrong_command_lines_exit_with_2_and_one_sentence(string part, string[] args) => Falcon.Fails(2, part, args);

    [Theory]
    [InlineData("generate")]
    [InlineData("chat")]
    [InlineData("tokenize")]
    [InlineData("detokenize")]
    [InlineData("logits")]
    [InlineData("inspect")]
    [InlineData("convert")]
    [InlineData("synth")]
    [InlineData("plan")]
    [InlineData("pull")]
    [InlineData("models")]
    public void Every_verb_tells_its_usage_on_the_output(string verb)
    {
        var outcome = Falcon.Run(verb, "--help");
        Assert.Equal((0, ""), (outcome.Code, outcome.Error));
        Assert.Contains($" {verb} ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains(verb, Falcon.Output("--help"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_goes_to_the_output() => Assert.Matches(@"^\d+\.\d+\.\d+", Falcon.Output("--version"));

    [Fact]
    public void An_unknown_model_is_told_with_the_ones_that_ship()
    {
        Falcon.Fails(1, Falcon.Model, "inspect", "no-such-model");
        Falcon.Fails(1, "is a file", "inspect", Path.Combine(FixtureFolder.Repository, "LICENSE"));
        Falcon.Fails(2, "empty", "inspect", "");
    }

    [Fact]
    public void A_stack_trace_comes_only_with_verbose()
    {
        var outcome = Falcon.Run("inspect", "no-such-model", "--verbose");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("   at ", outcome.Error, StringComparison.Ordinal);
    }
}
