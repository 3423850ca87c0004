using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

[Trait("Category", "Golden")]
public class GoldenModelTests
{
    [Fact]
    public void Whole_prompts_give_the_reference_logits_hidden_states_and_states() => GoldenModel.ForEach(golden =>
    {
        using var model = FalconMambaModel.Load(golden.Folder, new ModelOptions { Exact = true });
        var worst = 0.0;
        foreach (var length in golden.Lengths)
        {
            var ids = golden.Ids($"len{length}.ids");
            using var state = model.CreateState();
            var hidden = new HiddenStates(model.Config.NumHiddenLayers);
            var logits = new float[ids.Length * model.Config.VocabSize];
            model.Forward([new Chunk(state, ids) { Logits = RowSelection.All }], logits, tap: hidden);
            var stored = golden.Values($"len{length}.logits").Length;
            worst = Math.Max(worst, golden.Compare($"len{length}.logits", logits.AsSpan(^stored..)));
            worst = Math.Max(worst, golden.CompareState($"len{length}", state, model.Config));
            for (var j = 0; golden.Has($"len{length}.hidden.{j}"); j++)
                worst = Math.Max(worst, golden.Compare($"len{length}.hidden.{j}", hidden.Rows(j)));
        }

        FixtureFolder.Report($"  {Path.GetFileName(golden.Folder)}: largest error {worst:P1} of the bound, path {model.KernelPath}");
    });

    [Fact]
    public void The_reference_model_gives_the_reference_logits() => GoldenModel.ForEach(golden =>
    {
        using var weights = ModelWeights.Open(golden.Folder);
        var model = new ReferenceModel<double>(weights);
        foreach (var length in golden.Lengths)
        {
            var state = model.CreateState();
            double[] logits = [];
            foreach (var id in golden.Ids($"len{length}.ids")) logits = model.Step(state, id);
            var expected = golden.Values($"len{length}.logits").AsSpan(^logits.Length..);
            for (var i = 0; i < logits.Length; i++) Assert.Equal(expected[i], (float)logits[i], 1e-6f * Math.Max(1, Math.Abs(expected[i])));
        }
    });

    [Fact]
    public void Every_chunk_size_gives_the_reference_logits() => GoldenModel.ForEach(golden =>
    {
        using var model = FalconMambaModel.Load(golden.Folder, new ModelOptions { Exact = true });
        foreach (var length in golden.Lengths)
        {
            var ids = golden.Ids($"len{length}.ids");
            var whole = Logits(model, ids, ids.Length);
            for (var size = 1; size <= length; size++)
            {
                var logits = Logits(model, ids, size);
                Assert.True(whole.AsSpan().SequenceEqual(logits), $"chunks of {size} differ from the whole prompt of {length}");
            }
        }
    });

    [Fact]
    public void Batches_of_mixed_lengths_give_each_sequence_its_own_logits() => GoldenModel.ForEach(golden =>
    {
        using var model = FalconMambaModel.Load(golden.Folder, new ModelOptions { Exact = true, PrefillChunkSize = 37 });
        var vocabulary = model.Config.VocabSize;
        var states = golden.Lengths.Select(_ => model.CreateState()).ToArray();
        var chunks = golden.Lengths.Select((length, i) => new Chunk(states[i], golden.Ids($"len{length}.ids"))).ToArray();
        var logits = new float[chunks.Length * vocabulary];
        model.Forward(chunks, logits);
        for (var i = 0; i < chunks.Length; i++)
        {
            var expected = golden.Values($"len{golden.Lengths[i]}.logits").AsSpan(^vocabulary..);
            for (var v = 0; v < vocabulary; v++) Assert.Equal(expected[v], logits[(i * vocabulary) + v], 5e-5f * Math.Max(1, Math.Abs(expected[v])));
            golden.CompareState($"len{golden.Lengths[i]}", states[i], model.Config);
            states[i].Dispose();
        }
    });

    [Fact]
    public void Single_steps_and_greedy_continuations_are_the_references() => GoldenModel.ForEach(golden =>
    {
        using var model = FalconMambaModel.Load(golden.Folder, new ModelOptions { Exact = true });
        var logits = new float[model.Config.VocabSize];
        foreach (var length in golden.Lengths.Where(length => golden.Has($"len{length}.steps.ids")))
        {
            using var state = model.CreateState();
            model.Forward([new Chunk(state, golden.Ids($"len{length}.ids"))], logits);
            var steps = golden.Ids($"len{length}.steps.ids");
            var all = new List<float>();
            foreach (var id in steps)
            {
                model.Forward([new Chunk(state, new[] { id })], logits);
                all.AddRange(logits);
            }

            golden.Compare($"len{length}.steps.logits", all.ToArray());
        }

        using var greedy = model.CreateState();
        var next = golden.Ids("greedy.prompt");
        foreach (var expected in golden.Ids("greedy.ids"))
        {
            model.Forward([new Chunk(greedy, next)], logits);
            next = [Array.IndexOf(logits, logits.Max())];
            Assert.Equal(expected, next[0]);
        }
    });

    private static float[] Logits(FalconMambaModel model, int[] ids, int chunk)
    {
        using var state = model.CreateState();
        var logits = new float[ids.Length * model.Config.VocabSize];
        for (var start = 0; start < ids.Length; start += chunk)
        {
            var count = Math.Min(chunk, ids.Length - start);
            var rows = logits.AsSpan(start * model.Config.VocabSize, count * model.Config.VocabSize);
            model.Forward([new Chunk(state, ids.AsMemory(start, count)) { Logits = RowSelection.All }], rows);
        }

        return logits;
    }

    /// <summary>Collects hidden.0 … hidden.L+1 of one chunk.</summary>
    private sealed class HiddenStates(int layers) : IActivationTap
    {
        private readonly List<float>[] _rows = [.. Enumerable.Range(0, layers + 2).Select(_ => new List<float>())];

        public float[] Rows(int index) => [.. _rows[index]];

        public void Observe(ActivationSite site, int layer, int chunk, int token, ReadOnlySpan<float> values) =>
            _rows[layer + 1].AddRange(values);
    }
}
