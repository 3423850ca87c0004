using System.Globalization;
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

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Blocks_for_workers_run_once_and_never_on_the_callers_thread(int threads)
    {
        var pool = new ComputePool();
        for (var round = 0; round < 500; round++)
        {
            var foreign = new ThreadJob(new int[round % 9]);
            pool.RunOnWorkers(ref foreign, foreign.Threads.Length, threads);
            Assert.All(foreign.Threads, thread => Assert.NotInRange(thread, 0, 0));
            Assert.DoesNotContain(Environment.CurrentManagedThreadId, foreign.Threads);
            var job = new CountJob(new int[9]);
            pool.Run(ref job, 9, threads);
            Assert.All(job.Counts, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void An_error_on_the_workers_reaches_a_caller_that_waits_or_is_interrupted()
    {
        var pool = new ComputePool();
        using var never = new ManualResetEvent(initialState: false);
        for (var round = 0; round < 50; round++)
        {
            Thread.CurrentThread.Interrupt();
            var job = new FailingJob();
            Assert.Throws<InvalidOperationException>(() => pool.RunOnWorkers(ref job, 20, 2));
            Assert.Throws<ThreadInterruptedException>(() => never.WaitOne());
        }
    }

    [Fact]
    public void Workers_without_work_take_no_processor_time()
    {
        Assert.SkipUnless(File.Exists(MeetingJob.OwnTime), "This system does not tell the processor time of a thread.");
        const int threads = 3;
        var pool = new ComputePool();
        var job = new MeetingJob(new Barrier(threads), new string[threads]);
        for (var round = 0; round < 100; round++) pool.Run(ref job, threads, threads);
        var own = Path.GetFileName(MeetingJob.OwnThread());
        var workers = job.Threads.Distinct().Where(thread => Path.GetFileName(thread) != own).ToArray();
        Assert.Equal(threads - 1, workers.Length);
        var before = workers.Sum(Nanoseconds);
        // Until this thread had a second of its own: threads that did not sleep would have had as much.
        var start = Nanoseconds(MeetingJob.OwnThread());
        while (Nanoseconds(MeetingJob.OwnThread()) - start < 1_000_000_000)
        {
        }

        Assert.InRange(workers.Sum(Nanoseconds) - before, 0, 50_000_000);

        static long Nanoseconds(string thread) => long.Parse(File.ReadAllText(Path.Combine(thread, "schedstat")).Split(' ')[0], CultureInfo.InvariantCulture);
    }

    /// <summary>A block a thread: each waits for the others, and notes which thread it is.</summary>
    private readonly struct MeetingJob(Barrier barrier, string[] threads) : IBlockJob
    {
        public const string OwnTime = "/proc/thread-self/schedstat";

        public string[] Threads { get; } = threads;

        public static string OwnThread() => new FileInfo("/proc/thread-self").LinkTarget is { } target ? "/proc/" + target : "";

        public void Run(int block)
        {
            Threads[block] = OwnThread();
            barrier.SignalAndWait();
        }
    }

    private readonly struct ThreadJob(int[] threads) : IBlockJob
    {
        public int[] Threads { get; } = threads;

        public void Run(int block) => Threads[block] += Environment.CurrentManagedThreadId;
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
