using System.Text;
using Microsoft.Win32.SafeHandles;

namespace FalconMamba.Cli;

/// <summary>
/// Where a command reads and writes: data on the output, progress and logs on the error stream. Tests put writers of their
/// own in.
/// </summary>
internal sealed class Terminal
{
    /// <summary>A terminal of the given streams, none of which is a screen.</summary>
    public Terminal(TextWriter output, TextWriter error, Stream input)
    {
        Output = output;
        Error = error;
        Input = input;
    }

    /// <summary>Data, and nothing else.</summary>
    public TextWriter Output { get; }

    /// <summary>Everything that is not data.</summary>
    public TextWriter Error { get; }

    /// <summary>The bytes of the standard input.</summary>
    public Stream Input { get; }

    /// <summary>Whether a person sees the output.</summary>
    public bool OutputIsScreen { get; init; }

    /// <summary>Whether a person sees the error stream.</summary>
    public bool ErrorIsScreen { get; init; }

    /// <summary>Whether a person types the input.</summary>
    public bool InputIsScreen { get; init; }

    /// <summary>Whether Ctrl-C cancels the command; false where a test does.</summary>
    public bool HandlesSignals { get; init; }

    /// <summary>The streams of this process, all UTF-8.</summary>
    public static Terminal OfProcess()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        if (OperatingSystem.IsWindows() && !Console.IsOutputRedirected) Console.OutputEncoding = utf8;
        return new Terminal(
            new StreamWriter(OpenOutput(), utf8) { NewLine = "\n" },
            new StreamWriter(Console.OpenStandardError(), utf8) { NewLine = "\n", AutoFlush = true },
            Console.OpenStandardInput())
        {
            OutputIsScreen = !Console.IsOutputRedirected,
            ErrorIsScreen = !Console.IsErrorRedirected,
            InputIsScreen = !Console.IsInputRedirected,
            HandlesSignals = true,
        };
    }
    // The console's own stream says nothing when nobody reads on. A file keeps it, for this one would not go on where the
    // shell is.
    private static Stream OpenOutput()
    {
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected) return Console.OpenStandardOutput();
        const int standardOutput = 1;
        var stream = new FileStream(new SafeFileHandle(standardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return stream.CanSeek ? Console.OpenStandardOutput() : stream;
    }
}
