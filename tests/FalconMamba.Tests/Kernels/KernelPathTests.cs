using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Formats;
using FalconMamba.Kernels;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Model;
using FalconMamba.Quantization;

namespace FalconMamba.Tests.Kernels;

/// <summary>
/// Every path in a process of its own, with the runtime's switches that take instruction sets away: the child says which
/// kernels ran, and its logits must equal this process's bit for bit.
/// </summary>
public class KernelPathTests
{
    private const string OutputVariable = "FALCON_MAMBA_PROBE_OUTPUT", PathVariable = "FALCON_MAMBA_PROBE_PATH";

    // Set where the child is to find that the system allows no code to be made.
    private const string ForbiddenVariable = "FALCON_MAMBA_PROBE_FORBIDS_CODE";

    public static TheoryData<string, string> Switches => new()
    {
        { $"FALCON_MAMBA_KERNELS={KernelSet.Paths[0]}", KernelSet.Paths[0] },
        { "FALCON_MAMBA_KERNELS=512", "512" },
        { "FALCON_MAMBA_KERNELS=256", "256" },
        { "FALCON_MAMBA_KERNELS=256 DOTNET_EnableAVXVNNI=0", "256" },
        { "FALCON_MAMBA_KERNELS=256 DOTNET_EnableAVX2=0", "256" },
        { "FALCON_MAMBA_KERNELS=128", "128" },
        { "FALCON_MAMBA_KERNELS=128 DOTNET_EnableHWIntrinsic=0", "128" },
        { "FALCON_MAMBA_KERNELS=generic", "generic" },
        { "DOTNET_EnableAVX512=0", Vector256.IsHardwareAccelerated ? "256" : "128" },
        { "DOTNET_EnableAVX2=0", X86Base.IsSupported ? "128" : WidestPath },
        { "DOTNET_EnableHWIntrinsic=0", "generic" },
        { $"{ForbiddenVariable}=1", WidestPath },
    };

    private static string WidestPath =>
        KernelAssembler.IsSupported ? "emitted" : Vector512.IsHardwareAccelerated ? "512" : Vector256.IsHardwareAccelerated ? "256" : Vector128.IsHardwareAccelerated ? "128" : "generic";

    [Theory]
    [MemberData(nameof(Switches))]
    public async Task A_process_without_an_instruction_set_gives_the_same_bits(string switches, string path)
    {
        using var folder = new TemporaryFolder();
        var variables = switches.Split(' ').Select(pair => (pair.Split('=')[0], pair.Split('=')[1]));
        var (status, output) = await ChildRun.Of<KernelPathProbe>([], [.. variables, (OutputVariable, folder["logits"]), (PathVariable, path)]);
        Assert.True(status == 0 && File.Exists(folder["logits"]), output);
        Assert.Equal(KernelPathProbe.Logits(out _), await File.ReadAllBytesAsync(folder["logits"], TestContext.Current.CancellationToken));
    }

    /// <summary>What a child runs; in any other process it only looks at the default path.</summary>
    public class KernelPathProbe
    {
        [Fact]
        public void The_path_is_the_expected_one()
        {
            var forbidden = Environment.GetEnvironmentVariable(ForbiddenVariable) == "1";
            if (forbidden) CodeMemory.IsForbidden = true;
            var logits = Logits(out var path);
            Assert.Equal(Environment.GetEnvironmentVariable(PathVariable) ?? WidestPath, path);
            Assert.Equal(path is "amx" or "emitted" && !forbidden ? nameof(FloatKernel) : nameof(MatrixProduct<,>), KernelSet.Create(1).Choose(TensorType.F32, 64, 64, 1).Name);
            Assert.Equal(path is "amx" or "emitted" && !forbidden ? nameof(FewTokensKernel) : nameof(RowTile<,,,>), KernelSet.Create(1).Choose(TensorType.Q4_K, 64, 256, 32).Name);
            if (Environment.GetEnvironmentVariable("DOTNET_EnableAVXVNNI") == "0") Assert.False(AvxVnni.IsSupported);
            if (Environment.GetEnvironmentVariable("DOTNET_EnableAVX512") == "0") Assert.False(Avx512F.IsSupported);
            if (Environment.GetEnvironmentVariable("DOTNET_EnableAVX2") == "0") Assert.False(Avx2.IsSupported);
            if (Environment.GetEnvironmentVariable("DOTNET_EnableHWIntrinsic") == "0") Assert.False(Vector128.IsHardwareAccelerated);
            if (Environment.GetEnvironmentVariable(OutputVariable) is { } output) File.WriteAllBytes(output, logits);
        }

        public static byte[] Logits(out string path)
        {
            var bytes = new List<byte>();
            path = "";
            foreach (var folder in Directory.EnumerateDirectories(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models")).Order(StringComparer.Ordinal))
            {
                using var model = FalconMambaModel.Load(folder, new ModelOptions { Exact = true });
                using var state = model.CreateState();
                var logits = new float[12 * model.Config.VocabSize];
                model.Forward([new Chunk(state, Enumerable.Range(20, 12).ToArray()) { Logits = RowSelection.All }], logits);
                bytes.AddRange(MemoryMarshal.AsBytes<float>(logits));
                path = model.KernelPath;
            }

            foreach (var format in BlockFormats.All) bytes.AddRange(Products(format.Type));
            return [.. bytes];
        }

        // One token, two and many, in rows that fill no panel.
        private static byte[] Products(TensorType type)
        {
            const int RowCount = 41, Columns = 512;
            var info = type.Info();
            var blocks = new byte[RowCount * Columns / info.BlockLength * info.BlockBytes];
            new Random(3).NextBytes(blocks);
            var weights = Tensor.FromBytes("w", type, [RowCount, Columns], blocks);
            var bytes = new List<byte>();
            foreach (var tokens in (int[])[1, 2, 3, 9])
            {
                using var input = new NativeBuffer(tokens * Columns);
                var random = new Random(tokens);
                foreach (ref var value in input.Span) value = random.NextSingle() - 0.5f;
                using var scratch = new QuantizedActivations(tokens, Columns);
                var output = new float[tokens * RowCount];
                KernelSet.Create(2).MatrixProduct(weights, new Rows(input, Columns), output, tokens, scratch);
                // Which of the numbers that are none a product gives is the processor's choice.
                foreach (ref var value in output.AsSpan()) value = float.IsNaN(value) ? float.NaN : value;
                bytes.AddRange(MemoryMarshal.AsBytes<float>(output));
            }

            return [.. bytes];
        }
    }
}
