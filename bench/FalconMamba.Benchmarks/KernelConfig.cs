using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace FalconMamba.Benchmarks;

/// <summary>How kernels are timed and what is told about them.</summary>
internal sealed class KernelConfig : ManualConfig
{
    public KernelConfig()
    {
        Add(DefaultConfig.Instance);
        // In this process, so that nothing is restored or built, and the memory is measured by the process that uses it.
        // A call takes from half a microsecond to seconds: an iteration may be one call, and the overhead of a call is none.
        AddJob(Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithUnrollFactor(1)
            .WithMinInvokeCount(1)
            .WithEvaluateOverhead(false)
            .WithIterationTime(TimeInterval.FromMilliseconds(150))
            .WithWarmupCount(2)
            .WithIterationCount(9)
            .AsDefault());
        HideColumns(Column.Job, Column.Toolchain, Column.UnrollFactor, Column.MinInvokeCount, Column.EvaluateOverhead, Column.IterationTime, Column.WarmupCount, Column.IterationCount);
        AddColumn(StatisticColumn.Median);
        AddColumn(new WorkColumn("GB/s", "Bytes of weights, activations and states, a second of the median", (work, seconds) => work.Bytes / seconds / 1e9, "F1"));
        AddColumn(new WorkColumn("Of bandwidth", "GB/s as a share of what the same threads read from memory", (work, seconds) => work.Bytes / seconds / MeasuredPeaks.Bandwidth, "P0"));
        AddColumn(new WorkColumn("Gop/s", "Multiplications and additions (an exponential is one), a second of the median", (work, seconds) => work.Operations / seconds / 1e9, "F1"));
        AddColumn(new WorkColumn("Of peak", "Gop/s of a matrix product as a share of what the same threads multiply and add on registers, in float32 or in int8", (work, seconds) => work.Operations / seconds / MeasuredPeaks.Operations(work.Products), "P0"));
        WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(40));
    }
}
