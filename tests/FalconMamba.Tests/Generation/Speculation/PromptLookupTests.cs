using FalconMamba.Generation;
using FalconMamba.Generation.Speculation;

namespace FalconMamba.Tests.Generation.Speculation;

public class PromptLookupTests
{
    [Theory]
    [InlineData(new[] { 1, 2, 3, 4, 1, 2 }, 2, new[] { 3, 4, 1, 2 })]
    // The latest place counts.
    [InlineData(new[] { 1, 2, 3, 1, 2, 4, 1, 2 }, 2, new[] { 4, 1, 2, 4 })]
    // The longer sequence counts.
    [InlineData(new[] { 1, 2, 3, 9, 2, 5, 1, 2 }, 2, new[] { 3, 9, 2, 5 })]
    [InlineData(new[] { 1, 2, 3, 9, 2, 5, 1, 2 }, 1, new[] { 5, 1, 2, 5 })]
    // A repetition goes on.
    [InlineData(new[] { 5, 6, 7, 6, 7, 6, 7 }, 3, new[] { 6, 7, 6, 7 })]
    [InlineData(new[] { 5, 5 }, 2, new[] { 5, 5, 5, 5 })]
    [InlineData(new[] { 1, 2, 3 }, 2, new int[0])]
    [InlineData(new[] { 1 }, 2, new int[0])]
    public void What_followed_the_last_tokens_before_is_proposed(int[] ids, int longest, int[] expected)
    {
        var proposal = new Proposal(4, 10);
        using var lookup = new PromptLookup(longest);
        lookup.Propose(new TokenHistory(ids), ids.Length, proposal, 4, default);
        Assert.Equal(expected, proposal.Ids);
        Assert.All(Enumerable.Range(0, proposal.Count), i => Assert.True(proposal.ChancesOf(i).IsEmpty));
    }
}
