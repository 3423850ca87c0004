using System.Collections.Immutable;
using FalconMamba.Formats;
using FalconMamba.Kernels;

namespace FalconMamba.Model;

/// <summary>Which kernels a model runs on, on this machine and why; told without loading it.</summary>
public sealed record KernelPlan
{
    // As many as a few sequences at once have, or a verification of guesses.
    private const int Few = 5;

    /// <summary>The kernels' path: amx, emitted, 512, 256, 128 or generic.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// Whether kernels are assembled at run time: on the paths emitted and amx, where the system allows it. Else all of them are
    /// compiled code.
    /// </summary>
    public bool IsEmitted => Path is "emitted" or "amx" && !Uses.Any(use => use.Choices.Any(choice => choice.Reason == KernelChoice.NoCode));

    /// <summary>Why it is this path.</summary>
    public required string Reason { get; init; }

    /// <summary>The threads that a forward pass uses.</summary>
    public required int Threads { get; init; }

    /// <summary>The tokens of a prompt that go through the layers together.</summary>
    public required int PrefillChunkSize { get; init; }

    /// <summary>The instruction sets that were found.</summary>
    public static IReadOnlyList<string> InstructionSets => Kernels.InstructionSets.Found;

    /// <summary>Why the tiles of AMX are not used, as part of a sentence; null where they are usable.</summary>
    public static string? AmxObstacle => AmxSupport.Obstacle;

    /// <summary>The tensors, those of one role, type and shape together, in the order in which they are used.</summary>
    public required ImmutableArray<KernelUse> Uses { get; init; }

    /// <summary>Asks the kernels what they would choose.</summary>
    /// <param name="weights">The model's weights; none of their numbers is read.</param>
    /// <param name="options">How it would run; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of bounds.</exception>
    public static KernelPlan Of(ModelWeights weights, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var checkedOptions = (options ?? new ModelOptions()).Checked();
        return Of(weights, KernelSet.Create(checkedOptions.Threads, checkedOptions.Exact, checkedOptions.Deterministic), checkedOptions.PrefillChunkSize);
    }

    /// <summary>The plan of one path.</summary>
    internal static KernelPlan Of(ModelWeights weights, KernelSet kernels, int chunk)
    {
        var row = new KernelChoice("Tensor", "none", "the row of a token is decoded");
        List<(string Role, Tensor Tensor, KernelChoice? Small)> tensors = [("embeddings", weights.Embeddings, row)];
        foreach (var layer in weights.Layers) AddLayer(layer);
        Add("norm_f", weights.NormF, nameof(RmsNorm<>));
        Add("lm_head", weights.LmHead);
        return new KernelPlan
        {
            Path = kernels.Name,
            Reason = kernels.Reason,
            Threads = kernels.Threads,
            PrefillChunkSize = chunk,
            Uses =
            [
                .. tensors.GroupBy(t => (t.Role, t.Tensor.Type, Shape: string.Join(',', t.Tensor.Shape))).Select(group =>
                {
                    var (role, tensor, small) = group.First();
                    return new KernelUse(role, group.Count(), tensor.Type, tensor.Shape, small ?? Product(tensor, 1), small ?? Product(tensor, Few), small ?? Product(tensor, chunk));
                }),
            ],
        };

        KernelChoice Product(Tensor matrix, int tokens) => kernels.Choose(matrix.Type, checked((int)matrix.Shape[0]), checked((int)matrix.Shape[1]), tokens);

        void AddLayer(LayerWeights layer)
        {
            Add("norm", layer.Norm, kernels.RoundsToBytes(layer.InProj.Type) ? nameof(NormedRounding<>) : nameof(RmsNorm<>));
            Add("mixer.in_proj", layer.InProj);
            Add("mixer.in_proj bias", layer.InProjBias, nameof(MatrixProduct<,>));
            Add("mixer.conv1d", layer.Conv1d, nameof(CausalConvolution<>));
            Add("mixer.conv1d bias", layer.Conv1dBias, nameof(CausalConvolution<>));
            Add("mixer.x_proj", layer.XProj);
            Add("mixer.dt_proj", layer.DtProj);
            Add("mixer.dt_proj bias", layer.DtProjBias, nameof(SelectiveScan<>));
            Add("mixer.A", layer.ALog, nameof(SelectiveScan<>));
            Add("mixer.D", layer.D, nameof(SelectiveScan<>));
            Add("mixer.out_proj", layer.OutProj);
            Add("mixer.out_proj bias", layer.OutProjBias, nameof(MatrixProduct<,>));
        }

        void Add(string role, Tensor? tensor, string? kernel = null)
        {
            var small = kernel is null ? null : new KernelChoice(kernel, kernels.Instructions, "decoded once, when the model is loaded");
            if (tensor is not null) tensors.Add((role, tensor, small));
        }
    }
}

/// <summary>Tensors of one role, type and shape, and the kernels that work on them.</summary>
/// <param name="Role">What they are in a layer or in the model, such as <c>mixer.in_proj</c>.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Type">Their type.</param>
/// <param name="Shape">The shape of each.</param>
/// <param name="OneToken">The kernel while tokens are generated one by one.</param>
/// <param name="FewTokens">The kernel for a few sequences at once, or for guesses that are verified: for five tokens.</param>
/// <param name="ManyTokens">The kernel while a prompt is read.</param>
public sealed record KernelUse(
    string Role, int Count, TensorType Type, ImmutableArray<long> Shape, KernelChoice OneToken, KernelChoice FewTokens, KernelChoice ManyTokens)
{
    internal IEnumerable<KernelChoice> Choices => [OneToken, FewTokens, ManyTokens];
}
