using FalconMamba.Engine;
using FalconMamba.Model;

namespace FalconMamba.Tests.Engine;

public sealed class PromptShareTests : IDisposable
{
    private readonly FalconMambaModel _model = EngineModels.Tiny();
    private readonly PromptShare _share = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Owners_have_equal_shares_and_so_have_the_prompts_of_each()
    {
        var a = new Owner("a");
        var prompts = Prompts((a, 1000, 0), (a, 1000, 0), (a, 1000, 0), (new Owner("b"), 1000, 0));
        Assert.Equal(256, _share.Divide(prompts, 256));
        Assert.Equal(128, prompts[3].Share);
        Assert.All(prompts[..3], prompt => Assert.InRange(prompt.Share, 40, 44));
    }

    [Fact]
    public void What_is_not_needed_goes_to_the_others()
    {
        var prompts = Prompts((new Owner("a"), 10, 0), (new Owner("b"), 1000, 0));
        Assert.Equal(256, _share.Divide(prompts, 256));
        Assert.Equal([10, 246], prompts.Select(prompt => prompt.Share));
        Assert.Equal(1010, _share.Divide(prompts, 5000));
    }

    [Fact]
    public void Greater_priority_comes_first()
    {
        var prompts = Prompts((new Owner("a"), 1000, 0), (new Owner("b"), 100, 1));
        _share.Divide(prompts, 256);
        Assert.Equal([156, 100], prompts.Select(prompt => prompt.Share));
    }

    [Fact]
    public void Where_tokens_are_few_all_come_in_turn()
    {
        var a = new Owner("a");
        var prompts = Prompts((a, 1000, 0), (a, 1000, 0), (a, 1000, 0), (new Owner("b"), 1000, 0));
        var sums = new int[4];
        for (var step = 0; step < 12; step++)
        {
            Assert.Equal(1, _share.Divide(prompts, 1));
            for (var i = 0; i < sums.Length; i++) sums[i] += prompts[i].Share;
        }

        Assert.Equal([2, 2, 2, 6], sums);
    }

    private List<BatchSequence> Prompts(params (Owner Owner, int Length, int Priority)[] prompts) =>
    [
        .. prompts.Select(prompt =>
        {
            var request = EngineModels.Request(EngineModels.Prompt(prompt.Length), 1) with { Owner = prompt.Owner.Name, Priority = prompt.Priority, State = _model.CreateState() };
            var sequence = new BatchSequence(_model, null, null, request, new GeneratedTokens(null!, 1, default)) { Owner = prompt.Owner };
            sequence.Begin();
            sequence.Want();
            return sequence;
        }),
    ];
}
