namespace FalconMamba.Tests;

public class MalformedFileExceptionTests
{
    [Fact]
    public void The_message_is_one_short_line_whatever_the_file_holds()
    {
        var error = new MalformedFileException("a.json", "key x\n\u001b[2J", new string('y', 5000));
        Assert.StartsWith("a.json: key x\uFFFD\uFFFD[2J: yyy", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("….", error.Message, StringComparison.Ordinal);
        Assert.InRange(error.Message.Length, 1000, 1300);
    }
}
