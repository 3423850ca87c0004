using FalconMamba.Formats;
using FalconMamba.Kernels;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Model;
using FalconMamba.Quantization;

namespace FalconMamba.Tests.Kernels;

public class KernelChoiceTests
{
    public static TheoryData<string> Paths => [.. KernelSet.Paths];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_product_has_a_kernel_and_a_reason(string path)
    {
        var (kernels, exact) = (KernelSet.Create(path, 1), KernelSet.Create(path, 1, exact: true));
        var emitted = path is "amx" or "emitted";
        Assert.Equal($"FALCON_MAMBA_KERNELS={path}", kernels.Reason);
        foreach (var type in (TensorType[])[TensorType.F32, TensorType.F16, TensorType.BF16])
        {
            Assert.Equal(emitted ? nameof(FloatKernel) : nameof(MatrixProduct<,>), kernels.Choose(type, 64, 256, 1).Name);
            Assert.Equal(kernels.Choose(type, 64, 256, 1), exact.Choose(type, 64, 256, 1));
            var odd = kernels.Choose(type, 64, 20, 1);
            Assert.Equal((nameof(MatrixProduct<,>), emitted ? "rows are not a multiple of 64 bytes" : kernels.Reason), (odd.Name, odd.Reason));
        }

        foreach (var format in BlockFormats.All)
        {
            Assert.Equal(emitted ? nameof(BlockKernel) : nameof(BlockProduct<,,>), kernels.Choose(format.Type, 64, 256, 1).Name);
            foreach (var (rows, tokens) in ((int, int)[])[(64, 4), (64, 9), (63, 17)])
                Assert.Equal(emitted ? nameof(FewTokensKernel) : nameof(RowTile<,,,>), kernels.Choose(format.Type, rows, 256, tokens).Name);
            Assert.Equal(emitted ? nameof(FewTokensKernel) : nameof(BlockProduct<,,>), kernels.Choose(format.Type, 64, 256, 2).Name);
            Assert.Equal(nameof(DecodedBlockProduct<,>), exact.Choose(format.Type, 64, 256, 1).Name);
        }
    }

    [Fact]
    public void Sizes_that_a_kernel_does_not_take_go_to_another()
    {
        Assert.SkipUnless(KernelAssembler.IsSupported, "This processor has no AVX-512 with VNNI.");
        var kernels = KernelSet.Create("emitted", 1);
        Assert.Equal(nameof(StreamedProduct), kernels.Choose(TensorType.F32, 64, 64, 5).Name);
        Assert.Equal(nameof(PanelProduct), kernels.Choose(TensorType.F32, 64, 20, 5).Name);
        Assert.Equal(nameof(PanelProduct), kernels.Choose(TensorType.F32, 2, 64, 5).Name);
        Assert.Equal(nameof(BlockProduct<,,>), kernels.Choose(TensorType.Q8_0, 64, 32 * 1025, 1).Name);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_deterministic_path_multiplies_bfloat16_in_one_way_for_any_number_of_tokens(string path)
    {
        var kernels = KernelSet.Create(path, 1, deterministic: true);
        var pairs = path is "amx" or "emitted" && TileChoice.PrefersPairs;
        foreach (var tokens in (int[])[1, 2, 7, 8, 23, 24, 95, 96, 512])
        {
            foreach (var columns in (int[])[256, 20])
            {
                var choice = kernels.Choose(TensorType.BF16, 64, columns, tokens);
                Assert.Equal(pairs, choice.Instructions == "AVX-512 BF16");
                Assert.NotEqual("AMX-BF16", choice.Instructions);
                if (tokens == 1 && pairs) Assert.Equal(columns == 256 ? nameof(FloatKernel) : nameof(PanelProduct), choice.Name);
            }

            Assert.Equal(KernelSet.Create(path, 1).Choose(TensorType.F16, 64, 256, tokens), kernels.Choose(TensorType.F16, 64, 256, tokens));
        }
    }

    [Fact]
    public void Without_the_variable_the_processor_is_the_reason()
    {
        Assert.StartsWith("the processor", KernelSet.Create(path: null, threads: 1).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plan_holds_every_tensor_once()
    {
        foreach (var folder in Directory.EnumerateDirectories(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models")))
        {
            using var weights = ModelWeights.Open(folder);
            var plan = KernelPlan.Of(weights, new ModelOptions { Threads = 3, PrefillChunkSize = 5 });
            Assert.Equal((3, 5), (plan.Threads, plan.PrefillChunkSize));
            Assert.Equal(weights.Tensors.Count + (weights.Config.TieWordEmbeddings ? 1 : 0), plan.Uses.Sum(use => use.Count));
        }
    }
}
