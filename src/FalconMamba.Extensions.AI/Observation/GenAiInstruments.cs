using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace FalconMamba.Extensions.AI.Observation;

/// <summary>Measures, traces and logs the requests of one model. Nothing here sees a text.</summary>
internal sealed class GenAiInstruments : IDisposable
{
    /// <summary>The name of the meter and of the source of activities.</summary>
    public const string SourceName = "FalconMamba.Extensions.AI";

    private static readonly ActivitySource Source = new(SourceName);
    private static readonly double[] Seconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
    private static readonly long[] Tokens = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

    private readonly Meter _meter;

    public GenAiInstruments(string modelId, ILogger logger, IMeterFactory? meters)
    {
        ModelId = modelId;
        Logger = logger;
        _meter = meters?.Create(SourceName) ?? new Meter(SourceName);
        TokenUsage = _meter.CreateHistogram(GenAiNames.TokenUsage, "{token}", "Tokens read and written.", null, new InstrumentAdvice<long> { HistogramBucketBoundaries = Tokens });
        Duration = _meter.CreateHistogram(GenAiNames.OperationDuration, "s", "Time of a request, waiting included.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });
    }

    public string ModelId { get; }

    public ILogger Logger { get; }

    public Histogram<long> TokenUsage { get; }

    public Histogram<double> Duration { get; }

    /// <summary>Begins to observe a request.</summary>
    /// <param name="operation"><see cref="GenAiNames.Chat"/> or <see cref="GenAiNames.Embeddings"/>.</param>
    /// <param name="responseId">The response's id; null where it has none.</param>
    public Operation Start(string operation, string? responseId = null) =>
        new(this, operation, Source.StartActivity($"{operation} {ModelId}", ActivityKind.Internal)) { ResponseId = responseId };

    /// <summary>Ends a meter of its own; one of a factory stays until that ends.</summary>
    public void Dispose() => _meter.Dispose();
}
