using BenchmarkDotNet.Running;
using FalconMamba.Benchmarks;

// Times single kernels: dotnet run --project bench/FalconMamba.Benchmarks -c Release -- --filter '*Decode*Q4_K*'
BenchmarkSwitcher.FromAssembly(typeof(KernelConfig).Assembly).Run(args, new KernelConfig());
