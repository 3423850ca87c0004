using FalconMamba.Sessions;

namespace FalconMamba.Tests.Sessions;

public class PrefixLadderTests
{
    public static TheoryData<int> ChunkSizes => [1, 100, 256, 512, 513, 16384];

    [Theory]
    [MemberData(nameof(ChunkSizes))]
    public void A_change_anywhere_finds_a_rung_at_most_a_sixth_further_from_the_end(int chunkSize)
    {
        var random = new Random(chunkSize);
        for (var i = 0; i < 300; i++)
        {
            var length = (int)Math.Exp(random.NextDouble() * Math.Log(3_000_000));
            var ladder = PrefixLadder.Positions(length, chunkSize);
            Assert.Equal(ladder.Distinct().Order(), ladder);
            Assert.All(ladder, position => Assert.InRange(position, 1, length - 1));
            var change = random.Next(length + 1);
            var rung = ladder.LastOrDefault(position => position <= change);
            // An odd chunk size cannot be halved, and a small one is doubled.
            var least = Math.Max(chunkSize % 2 == 0 ? 127 : Math.Max(127, chunkSize), length / 64);
            Assert.True(length - rung <= Math.Max((length - change) * 7L / 6 + 1, length - change + 2L * least), $"{length} tokens, change at {change}, rung at {rung}");
        }
    }

    [Fact]
    public void An_edit_at_nine_tenths_reads_at_most_twelve_hundredths_again()
    {
        for (var length = 5000; length < 2_000_000; length += length / 50)
        {
            var rung = PrefixLadder.Positions(length, 512).Last(position => position <= length * 9L / 10);
            Assert.True(length - rung <= 0.12 * length, $"{length} tokens, rung at {rung}");
        }
    }

    [Fact]
    public void Rungs_are_few_and_lie_on_the_pieces_that_a_prompt_is_read_in()
    {
        Assert.All(PrefixLadder.Positions(100_000, 512), position => Assert.Equal(0, position % 512));
        Assert.InRange(PrefixLadder.Positions(20_000, 512).Length, 15, 40);
        Assert.InRange(PrefixLadder.Positions(1_000_000, 512).Length, 40, 110);
        Assert.Empty(PrefixLadder.Positions(64, 512));
        Assert.Empty(PrefixLadder.Positions(0, 512));
    }

    [Fact]
    public void A_longer_prompt_finds_most_rungs_of_a_shorter_one()
    {
        var shorter = PrefixLadder.Positions(20_000, 512);
        Assert.InRange(PrefixLadder.Positions(20_100, 512).Intersect(shorter).Count(), shorter.Length * 3 / 4, shorter.Length);
    }
}
