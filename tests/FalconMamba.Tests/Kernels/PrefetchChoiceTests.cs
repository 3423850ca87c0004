using FalconMamba.Formats;
using FalconMamba.Kernels;
using FalconMamba.Quantization;

namespace FalconMamba.Tests.Kernels;

public class PrefetchChoiceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Large_products_take_turns_and_the_others_do_as_the_fastest_did(bool farIsFaster)
    {
        var choice = new PrefetchChoice();
        Assert.False(choice.Next(1000));
        var turns = new int[2];
        for (var i = 0; i < 16; i++)
        {
            var far = choice.Next(PrefetchChoice.LeastBytes);
            turns[far ? 1 : 0]++;
            // The first ones of each are held up.
            choice.Add(PrefetchChoice.LeastBytes, far, (far == farIsFaster ? 100 : 130) + (i < 4 ? 500 : 0));
            choice.Add(1000, far, 1);
        }

        Assert.Equal([8, 8], turns);
        Assert.Equal(farIsFaster, choice.Next(PrefetchChoice.LeastBytes));
        Assert.Equal(farIsFaster, choice.Next(1000));
        choice.Add(PrefetchChoice.LeastBytes, !farIsFaster, 1);
        Assert.Equal(farIsFaster, choice.Next(PrefetchChoice.LeastBytes));
    }

    [Theory]
    [InlineData(TensorType.Q5_K)]
    [InlineData(TensorType.Q8_0)]
    public void All_turns_give_the_same_bits(TensorType type)
    {
        const int RowCount = 2048, Columns = 4096;
        var info = type.Info();
        var bytes = new byte[RowCount * (Columns / info.BlockLength) * info.BlockBytes];
        Assert.True(bytes.Length >= PrefetchChoice.LeastBytes);
        RandomBlocks.Of(type, 0.02).Fill(3, 0, 0, bytes);
        var weights = Tensor.FromBytes("w", type, [RowCount, Columns], bytes);
        using var input = new NativeBuffer(Columns);
        var random = new Random(5);
        foreach (ref var value in input.Span) value = random.NextSingle() - 0.5f;
        using var scratch = new QuantizedActivations(1, Columns);
        var (kernels, first) = (KernelSet.Create(2), new float[RowCount]);
        kernels.MatrixProduct(weights, new Rows(input, Columns), first, 1, scratch);
        for (var i = 0; i < 20; i++)
        {
            var again = new float[RowCount];
            kernels.MatrixProduct(weights, new Rows(input, Columns), again, 1, scratch);
            Assert.Equal(first, again);
        }
    }
}
