using FalconMamba.Kernels;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Kernels;

public class RangesTests
{
    [Fact]
    public void Ranges_cover_every_item_once_and_begin_at_multiples_of_sixteen() => Prop.ForAll(
        (from items in Gen.Choose(1, 70000)
         from bytes in Gen.Elements(0L, 1L, 18L, 4096L, 1L << 20)
         from threads in Gen.Choose(0, 70)
         select (items, bytes, threads)).ToArbitrary(),
        static test =>
        {
            var ranges = new Ranges(test.items, test.bytes, test.threads);
            var next = 0;
            for (var i = 0; i < ranges.Count; i++)
            {
                var (first, end) = ranges[i];
                if (first != next || end <= first || first % Ranges.Multiple != 0) return false;
                next = end;
            }

            return next == test.items;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Long_ranges_come_first_and_none_is_more_than_a_fair_share()
    {
        var ranges = new Ranges(16384, 2304, 2);
        var lengths = Enumerable.Range(0, ranges.Count).Select(i => ranges[i].End - ranges[i].First).ToArray();
        Assert.Equal(4096, lengths[0]);
        Assert.Equal(lengths.OrderDescending(), lengths);
        Assert.InRange(lengths[^1] * 2304, 1, 72 * 1024);
    }
}
