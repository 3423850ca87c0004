using System.Collections.Immutable;

namespace FalconMamba.Model;

/// <summary>
/// The sizes and constants of a model, as <c>config.json</c> or a GGUF file's metadata holds them; the defaults are those of transformers'
/// <c>FalconMambaConfig</c>.
/// </summary>
public sealed partial record FalconMambaConfig
{
    // Far above any model, low enough that sums and products of sizes stay far inside 64 bits.
    private const int MostTokens = 1 << 24;
    private const int WidestHidden = 1 << 20;
    private const int WidestInner = 1 << 22;
    private const int MostStates = 1 << 12;
    private const int MostLayers = 1 << 12;
    private const int WidestKernel = 1 << 8;

    /// <summary>The smallest epsilon that a norm may have: a smaller one would be 0 in float32, and a norm of zeros not a number.</summary>
    public const double LeastEpsilon = 1e-30;

    /// <summary>Falcon Mamba or plain Mamba.</summary>
    public ModelKind ModelType { get; init; } = ModelKind.FalconMamba;

    /// <summary>Rows of the embedding and of the head, V.</summary>
    public int VocabSize { get; init; } = 50280;

    /// <summary>Width of the residual stream, H.</summary>
    public int HiddenSize { get; init; } = 768;

    /// <summary>Channels of the mixer, D. Never derived from <c>expand</c> where the file has <c>intermediate_size</c>.</summary>
    public int IntermediateSize { get; init; } = 1536;

    /// <summary>States of a channel, N.</summary>
    public int StateSize { get; init; } = 16;

    /// <summary>Number of layers.</summary>
    public int NumHiddenLayers { get; init; } = 32;

    /// <summary>Taps of the causal convolution, K.</summary>
    public int ConvKernel { get; init; } = 4;

    /// <summary>Rank of the projection that makes dt, R.</summary>
    public int TimeStepRank { get; init; } = 48;

    /// <summary>Epsilon of the layers' norms and the final one.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-5;

    /// <summary>Epsilon of the weightless norms on dt, B and C; without meaning for plain Mamba.</summary>
    public double MixerRmsEps { get; init; } = 1e-6;

    /// <summary>Where <see cref="MixerRmsEps"/> was found.</summary>
    public EpsilonSource MixerRmsEpsSource { get; init; }

    /// <summary>Whether <c>in_proj</c> and <c>out_proj</c> have biases.</summary>
    public bool UseBias { get; init; }

    /// <summary>Whether the convolution has a bias.</summary>
    public bool UseConvBias { get; init; } = true;

    /// <summary>Whether the head is the embedding.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>The token that begins a text, if any.</summary>
    public int? BosTokenId { get; init; } = 0;

    /// <summary>The tokens that end a text.</summary>
    public ImmutableArray<int> EosTokenIds { get; init; } = [0];

    /// <summary>The token for padding, if any; never fed to the model here.</summary>
    public int? PadTokenId { get; init; } = 0;

    /// <summary>The type the weights were saved in, such as <c>bfloat16</c>; the tensors' own types count.</summary>
    public string? TorchDtype { get; init; }

    /// <summary>Standard deviation of freshly initialised matrices.</summary>
    public double InitializerRange { get; init; } = 0.1;

    /// <summary>Smallest dt at initialisation.</summary>
    public double TimeStepMin { get; init; } = 0.001;

    /// <summary>Largest dt at initialisation.</summary>
    public double TimeStepMax { get; init; } = 0.1;

    /// <summary>Lower clamp of dt at initialisation.</summary>
    public double TimeStepFloor { get; init; } = 1e-4;

    /// <summary>Scale of <c>dt_proj.weight</c> at initialisation.</summary>
    public double TimeStepScale { get; init; } = 1;

    /// <summary>Whether initialisation divides <c>out_proj</c> by the square root of the number of layers.</summary>
    public bool RescalePrenormResidual { get; init; }

    /// <summary>The file's <c>quantization_config</c> as JSON text; null for unquantised weights.</summary>
    public string? QuantizationConfig { get; init; }

    /// <summary>The weights' file or its index, where it has another name than <c>save_pretrained</c> gives (<c>transformers_weights</c>).</summary>
    public string? WeightsFile { get; init; }

    /// <summary>Whether the checkpoint says its weights are quantised.</summary>
    public bool IsQuantized => QuantizationConfig is not null;

    /// <summary>Whether dt, B and C pass through a weightless RMS norm.</summary>
    public bool NormalizesDtBC => ModelType == ModelKind.FalconMamba;

    /// <summary>The default rank of dt for a width: a sixteenth, rounded up.</summary>
    /// <param name="hiddenSize">H.</param>
    public static int DefaultTimeStepRank(int hiddenSize) => (hiddenSize / 16) + (hiddenSize % 16 == 0 ? 0 : 1);

    /// <summary>
    /// Returns this configuration if every value is in bounds: sizes are positive and every weight matrix has fewer
    /// than 2^31 elements, so that later arithmetic cannot overflow.
    /// </summary>
    /// <param name="file">The file it came from, for the error.</param>
    /// <exception cref="MalformedFileException">A value is out of bounds.</exception>
    internal FalconMambaConfig Checked(string file)
    {
        Size("vocab_size", VocabSize, MostTokens);
        Size("hidden_size", HiddenSize, WidestHidden);
        Size("intermediate_size", IntermediateSize, WidestInner);
        Size("state_size", StateSize, MostStates);
        Size("num_hidden_layers", NumHiddenLayers, MostLayers);
        Size("conv_kernel", ConvKernel, WidestKernel);
        Size("time_step_rank", TimeStepRank, WidestHidden);
        Matrix("vocab_size × hidden_size", VocabSize, HiddenSize);
        Matrix("2 × intermediate_size × hidden_size", 2L * IntermediateSize, HiddenSize);
        Matrix("intermediate_size × (time_step_rank + 2 × state_size)", IntermediateSize, TimeStepRank + (2L * StateSize));
        Matrix("intermediate_size × conv_kernel", IntermediateSize, ConvKernel);
        Number("layer_norm_epsilon", LayerNormEpsilon, LeastEpsilon, 1);
        Number("mixer_rms_eps", MixerRmsEps, LeastEpsilon, 1);
        Number("initializer_range", InitializerRange, 0, 1000);
        Number("time_step_min", TimeStepMin, 0, 1000);
        Number("time_step_max", TimeStepMax, TimeStepMin, 1000);
        Number("time_step_floor", TimeStepFloor, 0, 1000);
        Number("time_step_scale", TimeStepScale, 0, 1000);
        return this;

        void Size(string key, int value, int most)
        {
            if (value < 1 || value > most) throw new MalformedFileException(file, key, $"a number from 1 to {most} was expected, found {value}");
        }

        void Matrix(string key, long rows, long columns)
        {
            if (rows * columns > int.MaxValue) throw new MalformedFileException(file, key, $"at most {int.MaxValue} elements were expected, found {rows * columns}");
        }

        void Number(string key, double value, double least, double most)
        {
            if (!(value >= least && value <= most)) throw new MalformedFileException(file, key, $"a number from {least:R} to {most:R} was expected, found {value:R}");
        }
    }
}
