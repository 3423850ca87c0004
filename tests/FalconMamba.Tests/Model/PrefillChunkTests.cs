using FalconMamba.Kernels;
using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

public class PrefillChunkTests
{
    private static readonly CacheSizes Large = new(2 << 20, 1 << 30, IsKnown: true), Small = new(1 << 18, 1 << 20, IsKnown: true);

    [Theory]
    [InlineData("130m")]
    [InlineData("370m")]
    [InlineData("7b")]
    public void The_choice_is_whole_tiles_of_tokens_whose_activations_fit_the_last_cache(string shape)
    {
        var config = ModelShapes.Config(shape);
        Assert.Equal((64, 512), (PrefillChunk.Choose(config, Small), PrefillChunk.Choose(config, Large)));
        var usual = PrefillChunk.Choose(config, CacheSizes.Usual);
        Assert.Equal(0, usual % 64);
        Assert.InRange(Workspace.ByteLength(config, usual), 1, CacheSizes.Usual.Last - CacheSizes.Usual.Second);
    }

    [Fact]
    public void Wider_models_take_fewer_tokens_at_once()
    {
        var chunks = ModelShapes.Names.Select(name => PrefillChunk.Choose(ModelShapes.Config(name), CacheSizes.Usual)).ToArray();
        Assert.Equal(chunks.OrderDescending(), chunks);
        Assert.True(chunks[0] > chunks[^1]);
    }

    [Fact]
    public void A_model_tells_its_choice_and_takes_that_of_the_options()
    {
        var folder = Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", "tiny-f32");
        using var chosen = FalconMambaModel.Load(folder);
        Assert.Equal(PrefillChunk.Choose(chosen.Config, CacheSizes.ThisMachine), chosen.PrefillChunkSize);
        Assert.Equal(chosen.PrefillChunkSize, MemoryEstimate.Of(chosen.Weights).PrefillChunkSize);
        using var asked = FalconMambaModel.Load(folder, new ModelOptions { PrefillChunkSize = 37 });
        Assert.Equal(37, asked.PrefillChunkSize);
        Assert.Throws<ArgumentOutOfRangeException>(() => FalconMambaModel.Load(folder, new ModelOptions { PrefillChunkSize = -1 }));
    }

    [Fact]
    public void Caches_are_those_of_a_machine()
    {
        var caches = CacheSizes.ThisMachine;
        Assert.InRange(caches.Second, 64 << 10, 1L << 28);
        Assert.InRange(caches.Last, 1 << 20, 1L << 34);
    }
}
