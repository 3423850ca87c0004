using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace FalconMamba.Kernels;

/// <summary>One kernel call cut into blocks that may run in any order and on any thread.</summary>
internal interface IBlockJob
{
    /// <summary>Computes one block.</summary>
    void Run(int block);
}

/// <summary>
/// The process's compute threads, shared by all models. The caller is worker 0; workers claim blocks from one counter, so
/// that a slow core takes fewer. Which thread computes a block never changes its result. Between jobs a worker spins
/// for at most 50 µs and then sleeps: an idle process uses no processor time.
/// </summary>
internal sealed unsafe class ComputePool
{
    private static readonly long SpinTicks = Stopwatch.Frequency / 20_000;

    private readonly Lock _jobs = new();
    private readonly List<Worker> _workers = [];
    private readonly object _bed = new();
    private void* _job;
    private delegate*<void*, int, void> _run;
    private int _blocks;
    private int _unfinished;
    private Exception? _failure;
    private bool _callerSleeps;

    // The job's number in the upper half, its unclaimed blocks in the lower. A claim is one exchange of both, so a worker
    // that comes late cannot take a block of a job that is over; after a claim the job stays until the block is done.
    private long _tickets;

    /// <summary>The pool of this process.</summary>
    public static ComputePool Shared { get; } = new();

    /// <summary>
    /// The threads worth waking for a kernel of so many multiplications: below a few microseconds of work, handing over
    /// costs more than it saves.
    /// </summary>
    public static int ThreadsFor(long multiplications, int threads) => multiplications < 100_000 ? 1 : threads;

    /// <summary>
    /// Runs all blocks of <paramref name="job"/> on up to <paramref name="threads"/> threads, the caller's among them, and
    /// returns when all are done. One job runs at a time; a second caller waits.
    /// </summary>
    public void Run<TJob>(ref TJob job, int blocks, int threads) where TJob : struct, IBlockJob
    {
        if (threads <= 1 || blocks <= 1)
        {
            for (var block = 0; block < blocks; block++) job.Run(block);
            return;
        }

        lock (_jobs)
        {
            Post(ref job, blocks, Math.Min(threads, blocks) - 1, callerSleeps: false);
            ClaimBlocks();
            // Only blocks that a worker has begun are waited for: one that the system has not let run yet holds nobody up.
            for (var spins = 0; Volatile.Read(ref _unfinished) != 0; spins++)
                if (spins < 4096) Thread.SpinWait(4); else Thread.Yield();

            ThrowIfFailed();
        }
    }

    /// <summary>
    /// Runs all blocks of <paramref name="job"/> on the pool's own threads, which may be changed for good as a caller's may not;
    /// the caller sleeps meanwhile.
    /// </summary>
    public void RunOnWorkers<TJob>(ref TJob job, int blocks, int threads) where TJob : struct, IBlockJob
    {
        if (blocks <= 0) return;
        lock (_jobs)
        {
            Post(ref job, blocks, Math.Clamp(threads, 1, blocks), callerSleeps: true);
            AwaitWorkers();
            ThrowIfFailed();
        }
    }

    private static void RunBlock<TJob>(void* job, int block) where TJob : struct, IBlockJob =>
        Unsafe.AsRef<TJob>(job).Run(block);

    private void Post<TJob>(ref TJob job, int blocks, int helpers, bool callerSleeps) where TJob : struct, IBlockJob
    {
        // First, for it may fail: the job lives on the caller's stack, which stays where it is only while the caller is in here.
        while (_workers.Count < helpers) _workers.Add(new Worker(this));
        _job = Unsafe.AsPointer(ref job);
        _run = &RunBlock<TJob>;
        _blocks = blocks;
        _unfinished = blocks;
        _failure = null;
        _callerSleeps = callerSleeps;
        Volatile.Write(ref _tickets, (((_tickets >> 32) + 1) << 32) | (uint)blocks);
        for (var i = 0; i < helpers; i++) _workers[i].Wake();
    }

    // An interruption waits too: the job is on the stack that it would leave.
    private void AwaitWorkers()
    {
        var interrupted = false;
        while (Volatile.Read(ref _unfinished) != 0)
        {
            try
            {
                lock (_bed)
                    while (Volatile.Read(ref _unfinished) != 0) Monitor.Wait(_bed);
            }
            catch (ThreadInterruptedException)
            {
                interrupted = true;
            }
        }

        if (interrupted) Thread.CurrentThread.Interrupt();
    }

    private void ThrowIfFailed()
    {
        if (_failure is { } failure) throw new InvalidOperationException("A kernel failed on a worker thread.", failure);
    }

    private void ClaimBlocks()
    {
        while (true)
        {
            var tickets = Volatile.Read(ref _tickets);
            if ((uint)tickets == 0) return;
            if (Interlocked.CompareExchange(ref _tickets, tickets - 1, tickets) != tickets) continue;
            try
            {
                _run(_job, _blocks - (int)(uint)tickets);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _failure, e, null);
            }

            // Asked before the block is done: afterwards the next job may be there.
            var callerSleeps = _callerSleeps;
            if (Interlocked.Decrement(ref _unfinished) != 0 || !callerSleeps) continue;
            lock (_bed) Monitor.Pulse(_bed);
        }
    }

    private sealed class Worker
    {
        private const int Idle = 0, Posted = 1, Asleep = 2;
        private readonly ComputePool _pool;
        private readonly object _bed = new();
        private int _state;

        public Worker(ComputePool pool)
        {
            _pool = pool;
            new Thread(Work) { IsBackground = true, Name = "FalconMamba compute" }.Start();
        }

        public void Wake()
        {
            if (Interlocked.Exchange(ref _state, Posted) != Asleep) return;
            lock (_bed) Monitor.Pulse(_bed);
        }

        private void Work()
        {
            while (true)
            {
                AwaitJob();
                _pool.ClaimBlocks();
            }
        }

        private void AwaitJob()
        {
            var start = Stopwatch.GetTimestamp();
            while (Interlocked.CompareExchange(ref _state, Idle, Posted) != Posted)
            {
                if (Stopwatch.GetTimestamp() - start < SpinTicks)
                {
                    Thread.SpinWait(4);
                }
                else
                {
                    lock (_bed)
                    {
                        Interlocked.CompareExchange(ref _state, Asleep, Idle);
                        while (Volatile.Read(ref _state) == Asleep) Monitor.Wait(_bed);
                    }
                }
            }
        }
    }
}
