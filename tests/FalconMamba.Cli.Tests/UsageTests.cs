namespace FalconMamba.Cli.Tests;

public class UsageTests
{
    [Fact]
    public void Placeholder() => Assert.NotNull(typeof(UsageTests));
}
