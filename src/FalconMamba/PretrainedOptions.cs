using FalconMamba.Hub;
using FalconMamba.Model;

namespace FalconMamba;

/// <summary>How a published model is found and run: what <c>from_pretrained</c> takes, as far as it means something here.</summary>
public sealed record PretrainedOptions
{
    private const string Automatic = "auto", Processor = "cpu";

    /// <summary>The numbers to compute with (<c>dtype</c>, once <c>torch_dtype</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the four.</exception>
    public Dtype Dtype
    {
        get;
        init => field = Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(nameof(value), "dtype is auto, float32, float16 or bfloat16.");
    }

    /// <summary>Where the model runs (<c>device_map</c>): <c>auto</c> for the best device there is, or <c>cpu</c>.</summary>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    public string DeviceMap
    {
        get;
        init => field = value is Automatic or Processor
            ? value
            : throw new ArgumentException($"device_map is \"{value}\", and there is no such device here, only the processor: use \"{Automatic}\" or \"{Processor}\".", nameof(value));
    } = Automatic;

    /// <summary>A branch, a tag or a commit of a model on the hub; null for <c>main</c>, or for the one behind the id's <c>@</c>.</summary>
    public string? Revision { get; init; }

    /// <inheritdoc cref="ModelOptions.PrefillChunkSize"/>
    public int PrefillChunkSize { get; init; } = ModelOptions.DefaultPrefillChunkSize;

    /// <inheritdoc cref="ModelOptions.Threads"/>
    public int Threads { get; init; }

    /// <inheritdoc cref="ModelOptions.Deterministic"/>
    public bool Deterministic { get; init; }

    /// <summary>The hub to ask, which stays the caller's; null for the one that the environment names.</summary>
    public HubClient? Hub { get; init; }

    /// <summary>The same for a model's loader.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of bounds.</exception>
    internal ModelOptions ToModelOptions() => new ModelOptions
    {
        Threads = Threads,
        PrefillChunkSize = PrefillChunkSize,
        Deterministic = Deterministic,
        Exact = Dtype == Dtype.Float32,
    }.Checked();
}
