using FalconMamba.Formats;
using FalconMamba.Quantization;

namespace FalconMamba.Tests.Quantization;

public class QuantizationMixTests
{
    [Theory]
    [InlineData("F32", TensorType.F32, TensorType.F32, TensorType.F32, TensorType.F32)]
    [InlineData("BF16", TensorType.BF16, TensorType.BF16, TensorType.BF16, TensorType.BF16)]
    [InlineData("F16", TensorType.F16, TensorType.F16, TensorType.F16, TensorType.F16)]
    [InlineData("Q8_0", TensorType.Q8_0, TensorType.Q8_0, TensorType.F16, TensorType.Q8_0)]
    [InlineData("q6_k", TensorType.Q6_K, TensorType.Q6_K, TensorType.F16, TensorType.Q8_0)]
    [InlineData("Q5_K_M", TensorType.Q5_K, TensorType.Q6_K, TensorType.F16, TensorType.Q5_1)]
    [InlineData("q4_K_m", TensorType.Q4_K, TensorType.Q6_K, TensorType.F16, TensorType.Q5_0)]
    [InlineData("Q4_0", TensorType.Q4_0, TensorType.Q6_K, TensorType.F16, TensorType.Q4_0)]
    public void Types_are_those_of_llama_cpps_quantizer(string name, TensorType matrices, TensorType head, TensorType rowsOf16, TensorType rowsOf32)
    {
        var mix = QuantizationMix.Find(name)!;
        Assert.Equal(matrices, mix.TypeOf(WeightRole.Embedding, 4096));
        Assert.Equal(matrices, mix.TypeOf(WeightRole.Projection, 256));
        Assert.Equal(head, mix.TypeOf(WeightRole.Head, 4096));
        Assert.Equal(rowsOf16, mix.TypeOf(WeightRole.Projection, 16));
        Assert.Equal(rowsOf32, mix.TypeOf(WeightRole.Projection, 32));
        Assert.Equal(TensorType.F32, mix.TypeOf(WeightRole.Small, 256));
    }

    [Fact]
    public void Names_and_numbers_differ_and_others_are_unknown()
    {
        Assert.Equal(QuantizationMix.All.Length, QuantizationMix.All.DistinctBy(mix => mix.Name).Count());
        Assert.Equal(QuantizationMix.All.Length, QuantizationMix.All.DistinctBy(mix => mix.FileType).Count());
        Assert.Equal(["F32", "BF16", "F16"], QuantizationMix.All.Where(mix => mix.IsPlain).Select(mix => mix.Name));
        Assert.Null(QuantizationMix.Find("Q4_K"));
        Assert.Null(QuantizationMix.Find(""));
    }
}
