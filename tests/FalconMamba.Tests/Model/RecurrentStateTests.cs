using FalconMamba.Model;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Model;

public class RecurrentStateTests
{
    private static readonly string Models = Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models");

    public static TheoryData<string> Folders => [.. Directory.EnumerateDirectories(Models).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_fork_goes_its_own_way(string folder)
    {
        using var model = FalconMambaModel.Load(folder);
        using var state = model.CreateState();
        Step(model, state, 20, 21, 22);
        using var fork = state.Fork();
        var expected = Step(model, fork, 30);
        Step(model, fork, 31, 32);
        Assert.Equal(3, state.TokenCount);
        Assert.Equal(6, fork.TokenCount);
        Assert.Equal(expected, Step(model, state, 30));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_kept_copy_rolls_back(string folder)
    {
        using var model = FalconMambaModel.Load(folder);
        using var state = model.CreateState();
        Step(model, state, 20, 21);
        using var kept = state.Fork();
        var expected = Step(model, state, 22, 23);
        state.CopyFrom(kept);
        Assert.Equal(expected, Step(model, state, 22, 23));
        state.Reset();
        Assert.Equal(0, state.TokenCount);
        Step(model, state, 20, 21);
        Assert.Equal(expected, Step(model, state, 22, 23));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_saved_state_goes_on_bit_for_bit(string folder)
    {
        using var temporary = new TemporaryFolder();
        using var model = FalconMambaModel.Load(folder);
        Prop.ForAll(Gen.Choose(0, model.Config.VocabSize - 1).NonEmptyListOf().ToArbitrary(), ids =>
        {
            var path = temporary["state.safetensors"];
            using var state = model.CreateState();
            Step(model, state, [.. ids]);
            state.Save(path, new Dictionary<string, string> { ["title"] = "é\n" });
            using var loaded = StateFile.Read(path, model, out var notes);
            Assert.Equal("é\n", notes["title"]);
            Assert.Equal(state.TokenCount, loaded.TokenCount);
            Assert.Equal(state.LastHidden, loaded.LastHidden);
            Assert.Equal(Step(model, state, 3, 4), Step(model, loaded, 3, 4));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(15));
    }

    [Fact]
    public void Another_models_state_is_refused_by_name()
    {
        using var temporary = new TemporaryFolder();
        var folders = Folders.Select(row => row.Data).ToArray();
        using var mine = FalconMambaModel.Load(folders[0]);
        using var other = FalconMambaModel.Load(folders[1]);
        using var state = other.CreateState();
        Step(other, state, 1);
        var path = temporary["other.safetensors"];
        state.Save(path);
        Assert.Throws<StateMismatchException>(() => StateFile.Read(path, mine, out _));
        Assert.Throws<StateMismatchException>(() => Step(mine, state, 1));
        using var own = mine.CreateState();
        Assert.Throws<StateMismatchException>(() => own.CopyFrom(state));
    }

    [Fact]
    public void A_file_that_is_no_state_is_refused()
    {
        var folder = Folders.Select(row => row.Data).First(data => Path.GetFileName(data) == "tiny-f32");
        using var model = FalconMambaModel.Load(folder);
        var e = Assert.Throws<MalformedFileException>(() => StateFile.Read(Path.Combine(folder, "model.safetensors"), model, out _));
        Assert.Contains("no saved state", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_fingerprint_tells_models_apart_and_is_stable()
    {
        var prints = Folders.Select(row =>
        {
            using var first = FalconMambaModel.Load(row.Data);
            using var second = FalconMambaModel.Load(row.Data, new ModelOptions { Threads = 1 });
            Assert.Equal(first.Fingerprint, second.Fingerprint);
            return first.Fingerprint;
        }).ToArray();
        Assert.Equal(prints.Length, prints.Distinct().Count());
    }

    private static float[] Step(FalconMambaModel model, RecurrentState state, params int[] ids)
    {
        var logits = new float[model.Config.VocabSize];
        model.Forward([new Chunk(state, ids)], logits);
        return logits;
    }
}
