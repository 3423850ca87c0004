using FalconMamba.Kernels;

namespace FalconMamba.Tests.Kernels;

public class ComputePoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Every_block_runs_once(int threads)
    {
        var pool = new ComputePool();
        for (var round = 0; round < 2000; round++)
        {
            var job = new CountJob(new int[round % 40]);
            pool.Run(ref job, job.Counts.Length, threads);
            Assert.All(job.Counts, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void Callers_on_several_threads_take_turns()
    {
        var pool = new ComputePool();
        Parallel.For(0, 8, _ =>
        {
            for (var round = 0; round < 500; round++)
            {
                var job = new CountJob(new int[9]);
                pool.Run(ref job, 9, 3);
                Assert.All(job.Counts, count => Assert.Equal(1, count));
            }
        });
    }

    [Fact]
    public void An_error_in_a_block_reaches_the_caller_and_the_pool_goes_on()
    {
        var pool = new ComputePool();
        for (var round = 0; round < 50; round++)
        {
            var failing = new FailingJob();
            Assert.Throws<InvalidOperationException>(() => pool.Run(ref failing, 20, 2));
            var job = new CountJob(new int[20]);
            pool.Run(ref job, 20, 2);
            Assert.All(job.Counts, count => Assert.Equal(1, count));
        }
    }

    private readonly struct CountJob(int[] counts) : IBlockJob
    {
        public int[] Counts { get; } = counts;

        public void Run(int block) => Interlocked.Increment(ref Counts[block]);
    }

    private readonly struct FailingJob : IBlockJob
    {
        public void Run(int block) => throw new NotSupportedException("A block failed.");
    }
}
