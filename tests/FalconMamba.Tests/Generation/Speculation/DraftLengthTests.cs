using FalconMamba.Generation.Speculation;

namespace FalconMamba.Tests.Generation.Speculation;

public class DraftLengthTests
{
    [Fact]
    public void What_never_comes_true_is_guessed_ever_more_seldom()
    {
        var length = new DraftLength(4);
        var (verifications, rows) = (0, 0);
        for (var i = 0; i < 1000; i++)
        {
            var next = length.Next();
            if (next == 0) continue;
            verifications++;
            rows += next;
            length.Report(next, 0);
        }

        // Each costs a step more at most, so five in a hundred tokens are not reached.
        Assert.InRange(verifications, 15, 25);
        Assert.InRange(rows, verifications, verifications + 4);
    }

    [Fact]
    public void What_comes_true_is_guessed_as_far_as_is_allowed()
    {
        var length = new DraftLength(6);
        length.Report(length.Next(), 0);
        while (length.Next() == 0) { }

        foreach (var expected in (int[])[5, 6, 6])
        {
            length.Report(3, 3);
            Assert.Equal(expected, length.Next());
        }
    }

    [Fact]
    public void What_comes_true_in_part_is_guessed_less_far_and_never_given_up()
    {
        var length = new DraftLength(5);
        foreach (var expected in (int[])[5, 4, 3, 2, 1, 1])
        {
            Assert.Equal(expected, length.Next());
            length.Report(6, 2);
        }
    }
}
