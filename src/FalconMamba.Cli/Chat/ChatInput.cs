using System.Text;

namespace FalconMamba.Cli.Chat;

/// <summary>What the user entered.</summary>
/// <param name="Text">A message, or a command with its slash.</param>
/// <param name="IsCommand">Whether it is a command.</param>
internal readonly record struct ChatEntry(string Text, bool IsCommand);

/// <summary>
/// Reads messages: a line each, several where each but the last ends in a backslash, or everything between two
/// <c>"""</c>. A line that begins with a slash is a command; one that begins with two is a message with one.
/// </summary>
internal sealed class ChatInput : IDisposable
{
    private const string Fence = "\"\"\"", Prompt = "> ", FurtherPrompt = ". ";

    private readonly Terminal _terminal;
    private readonly StreamReader _reader;

    public ChatInput(Terminal terminal)
    {
        _terminal = terminal;
        _reader = new StreamReader(terminal.Input, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true), leaveOpen: true);
    }

    /// <summary>Reads what comes next, blank lines aside.</summary>
    /// <param name="cancellationToken">Ends the wait for a line.</param>
    /// <returns>The entry; null at the end of the input.</returns>
    /// <exception cref="CommandException">The input is no UTF-8.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public ChatEntry? Read(CancellationToken cancellationToken)
    {
        while (ReadLine(Prompt, cancellationToken) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            if (line.StartsWith(Fence, StringComparison.Ordinal)) return new ChatEntry(ReadBlock(line[Fence.Length..], cancellationToken), IsCommand: false);
            if (line[0] == '/' && !line.StartsWith("//", StringComparison.Ordinal)) return new ChatEntry(line.TrimEnd(), IsCommand: true);
            return new ChatEntry(ReadContinued(line[0] == '/' ? line[1..] : line, cancellationToken), IsCommand: false);
        }

        return null;
    }

    public void Dispose() => _reader.Dispose();

    private string ReadContinued(string line, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        for (; line.EndsWith('\\'); line = ReadLine(FurtherPrompt, cancellationToken) ?? "") text.Append(line, 0, line.Length - 1).Append('\n');
        return text.Append(line).ToString();
    }

    private string ReadBlock(string first, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        for (var line = first; line is not null; line = ReadLine(FurtherPrompt, cancellationToken))
        {
            var end = line.TrimEnd();
            if (end.EndsWith(Fence, StringComparison.Ordinal))
            {
                if (end.Length > Fence.Length) lines.Add(end[..^Fence.Length]);
                break;
            }

            // Nothing stands behind most fences.
            if (lines.Count > 0 || line.Length > 0) lines.Add(line);
        }

        return string.Join('\n', lines);
    }

    // Nothing interrupts a read of the standard input, so another thread does it: at the end of the process it may still wait.
    private string? ReadLine(string prompt, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_terminal is { InputIsScreen: true, ErrorIsScreen: true }) _terminal.Error.Write(prompt);
        try
        {
            return Task.Run(_reader.ReadLine, CancellationToken.None).WaitAsync(cancellationToken).GetAwaiter().GetResult();
        }
        catch (DecoderFallbackException)
        {
            throw new CommandException("The standard input is not UTF-8 text: convert it first.");
        }
    }
}
