using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba;

/// <summary>
/// A model with the settings of its <c>generation_config.json</c>, which count wherever a caller gives none. Safe for
/// concurrent use.
/// </summary>
public sealed class PretrainedModel : IModelRunner
{
    private readonly Lazy<Tokenizer?> _tokenizer;

    /// <summary>A model that was loaded.</summary>
    /// <param name="runner">The model, disposed with this.</param>
    /// <param name="path">The folder or GGUF file that it is from.</param>
    public PretrainedModel(FalconMambaModel runner, string path)
    {
        ArgumentNullException.ThrowIfNull(runner);
        ArgumentNullException.ThrowIfNull(path);
        Runner = runner;
        Path = path;
        _tokenizer = new Lazy<Tokenizer?>(() => Tokenizer.LoadIfAny(path));
    }

    /// <summary>The model itself.</summary>
    public FalconMambaModel Runner { get; }

    /// <summary>The folder or GGUF file that it is from.</summary>
    public string Path { get; }

    /// <summary>The tokenizer beside it, read when it is first asked for; null where there is none.</summary>
    /// <exception cref="MalformedFileException">A file does not hold what it should.</exception>
    public Tokenizer? Tokenizer => _tokenizer.Value;

    /// <summary>
    /// The checkpoint's own settings. <see cref="Generation.GenerationConfig.Complete"/> tells which of them count beside a
    /// caller's.
    /// </summary>
    public GenerationConfig GenerationConfig { get; init; } = new();

    /// <inheritdoc/>
    public FalconMambaConfig Config => Runner.Config;

    /// <inheritdoc/>
    public string Fingerprint => Runner.Fingerprint;

    /// <inheritdoc cref="ModelGeneration.Generate"/>
    public int[][] Generate(
        ReadOnlyMemory<int> prompt,
        GenerationOptions? options = null,
        Tokenizer? tokenizer = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default) => Runner.Generate(prompt, Complete(options), tokenizer, progress, cancellationToken);

    /// <inheritdoc cref="ModelGeneration.GenerateInDetail"/>
    public GenerationOutput GenerateInDetail(
        ReadOnlyMemory<int> prompt,
        GenerationOptions? options = null,
        Tokenizer? tokenizer = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default) => Runner.GenerateInDetail(prompt, Complete(options), tokenizer, progress, cancellationToken);

    /// <inheritdoc cref="ModelGeneration.GenerateStream"/>
    public IEnumerable<int> GenerateStream(
        ReadOnlyMemory<int> prompt,
        GenerationOptions? options = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default) => Runner.GenerateStream(prompt, Complete(options), progress, cancellationToken);

    /// <inheritdoc cref="FalconMambaModel.Compile"/>
    public KernelPlan Compile() => Runner.Compile();

    /// <inheritdoc/>
    public RecurrentState CreateState() => Runner.CreateState();

    /// <inheritdoc/>
    public void Forward(
        ReadOnlySpan<Chunk> chunks,
        Span<float> logits,
        Span<float> hidden = default,
        IActivationTap? tap = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default) => Runner.Forward(chunks, logits, hidden, tap, progress, cancellationToken);

    /// <inheritdoc/>
    public void RollBack(RecurrentState state, long tokenCount) => Runner.RollBack(state, tokenCount);

    /// <summary>Waits for the calls that run, then releases buffers and files.</summary>
    public void Dispose() => Runner.Dispose();

    /// <summary>A caller's options with the checkpoint's where there are none, and with the tokenizer of a pretrained assistant.</summary>
    internal GenerationOptions Complete(GenerationOptions? options)
    {
        var complete = GenerationConfig.Complete(options).Options;
        return complete is { AssistantModel: PretrainedModel assistant, AssistantTokenizer: null } ? complete with { AssistantTokenizer = assistant.Tokenizer } : complete;
    }
}
