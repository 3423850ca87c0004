using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

/// <summary>What a model that is warm allocates.</summary>
[Collection(nameof(Alone))]
public class AllocationTests
{
    [Fact]
    public void Forward_allocates_nothing_once_it_is_warm()
    {
        var bfloat16 = DeterminismTests.Checkpoints[0].Path;
        foreach (var (path, exact, deterministic) in ((string, bool, bool)[])[(bfloat16, false, false), (bfloat16, false, true), (DeterminismTests.Checkpoints[^2].Path, false, false), (DeterminismTests.Checkpoints[^1].Path, true, false)])
        {
            using var model = FalconMambaModel.Load(path, new ModelOptions { Exact = exact, Deterministic = deterministic });
            using var state = model.CreateState();
            var logits = new float[model.Config.VocabSize];
            int[] one = [5];
            for (var i = 0; i < 100; i++) model.Forward([new Chunk(state, one)], logits);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++) model.Forward([new Chunk(state, one)], logits);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }
}
