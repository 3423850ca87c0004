using FalconMamba.Generation;

namespace FalconMamba.Tests.Generation;

public class GenerationOptionsTests
{
    [Fact]
    public void The_default_is_greedy()
    {
        Assert.True(new GenerationOptions().IsGreedy);
        Assert.True(new GenerationOptions { Temperature = 0 }.IsGreedy);
        Assert.False(new GenerationOptions { Temperature = 0.01 }.IsGreedy);
    }

    [Fact]
    public void Values_out_of_range_are_refused_by_name()
    {
        Refused(nameof(GenerationOptions.MaxNewTokens), () => new GenerationOptions { MaxNewTokens = 0 });
        Refused(nameof(GenerationOptions.Temperature), () => new GenerationOptions { Temperature = -0.1 });
        Refused(nameof(GenerationOptions.Temperature), () => new GenerationOptions { Temperature = double.NaN });
        Refused(nameof(GenerationOptions.Temperature), () => new GenerationOptions { Temperature = double.PositiveInfinity });
        Refused(nameof(GenerationOptions.TopK), () => new GenerationOptions { TopK = -1 });
        Refused(nameof(GenerationOptions.TopP), () => new GenerationOptions { TopP = 1.01 });
        Refused(nameof(GenerationOptions.TopP), () => new GenerationOptions { TopP = double.NaN });
        Refused(nameof(GenerationOptions.MinP), () => new GenerationOptions { MinP = -0.01 });
        Refused(nameof(GenerationOptions.StopIds), () => new GenerationOptions { StopIds = [3, -1] });
        Assert.Throws<ArgumentException>(() => new GenerationOptions { StopStrings = [null!] });
        Assert.Empty(new GenerationOptions { StopIds = default, StopStrings = default }.StopIds);

        static void Refused(string name, Func<object> create) =>
            Assert.Contains(name, Assert.Throws<ArgumentOutOfRangeException>(create).Message, StringComparison.Ordinal);
    }
}
