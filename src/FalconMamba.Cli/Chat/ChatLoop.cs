using FalconMamba.Generation;

namespace FalconMamba.Cli.Chat;

/// <summary>Messages in, answers out, until the input ends: by a person at a screen, or line by line through a pipe.</summary>
internal sealed class ChatLoop(Terminal terminal, ChatInput input, ChatSession session, ChatSampling sampling)
{
    private const string Help = """"
        /undo            takes the last message and its answer back
        /system [TEXT]   tells the model something before everything else; without a text, nothing any more
        /file FILE       puts a file's text before the next message
        /sampling [...]  shows how tokens are chosen; with options, such as --temperature 0.7, chooses by these and no others
        /info            shows the conversation, the state and the memory
        /help            shows this
        /exit            ends the chat, as the end of the input does
        A line that ends in \ goes on in the next one; so does everything between two """.
        // begins a message with one slash.
        Ctrl-C stops an answer, and at the prompt it ends the chat.
        """";

    private string _file = "";

    /// <summary>Whether answers are written as lines of JSON.</summary>
    public bool Json { get; init; }

    /// <summary>Runs the chat.</summary>
    /// <exception cref="OperationCanceledException">The user ended it by a signal.</exception>
    public void Run(ChatInterrupts interrupts)
    {
        while (input.Read(interrupts.Leaving) is { } entry)
        {
            try
            {
                if (!entry.IsCommand) Answer(entry.Text, interrupts);
                else if (!Obey(entry.Text)) return;
            }
            // A person can try again; a script goes on from what it takes for granted. Where nobody reads on, nobody tries.
            catch (Exception e) when (terminal.InputIsScreen && e is not OperationCanceledException && !Failure.IsClosedPipe(e))
            {
                terminal.Error.WriteLine($"error: {Failure.Describe(e)}");
            }
        }

        if (_file.Length > 0) throw new CommandException("A file was given and no message behind it: ask something about it.");
        if (terminal is { InputIsScreen: true, ErrorIsScreen: true }) terminal.Error.WriteLine();
    }

    private void Answer(string message, ChatInterrupts interrupts)
    {
        var reply = interrupts.During(token => session.Answer(_file + message, sampling.Options, Emit, token));
        if (reply.Counts) _file = "";
        if (Json) reply.WriteJson(terminal);
        else if (!reply.Text.EndsWith('\n')) terminal.Output.WriteLine();
        terminal.Output.Flush();
        interrupts.Leaving.ThrowIfCancellationRequested();
        terminal.Error.WriteLine(reply switch
        {
            { Counts: false } => $"stopped before the answer began: the message does not count{(_file.Length > 0 ? ", and the file goes before the next one" : "")}",
            { IsStopped: true } => $"stopped; {reply.Timings}",
            { FinishReason: FinishReason.Length } => $"{reply.Timings}; ended at the greatest length, -n N allows more",
            _ => reply.Timings.ToString(),
        });
    }

    private void Emit(string piece)
    {
        if (Json) return;
        terminal.Output.Write(piece);
        terminal.Output.Flush();
    }

    /// <returns>Whether the chat goes on.</returns>
    private bool Obey(string line)
    {
        var (command, rest) = line.Split((char[]?)null, 2) is [var first, var second] ? (first, second.Trim()) : (line, "");
        switch (command)
        {
            case "/undo":
                Tell(session.Undo() ? $"undone: {session.History.Count} messages are left" : "there is nothing to undo");
                break;
            case "/system":
                session.History.System = rest.Length > 0 ? rest : null;
                Tell(rest.Length > 0 ? "the system message is set" : "there is no system message");
                break;
            case "/file":
                if (rest.Length == 0) throw new UsageException("/file takes the name of a file");
                var content = TextInput.File(rest);
                _file += content.EndsWith('\n') ? $"{content}\n" : $"{content}\n\n";
                Tell($"{rest}: {Units.Digits(content.Length)} characters go before the next message");
                break;
            case "/sampling":
                if (rest.Length > 0) sampling.Change(rest);
                Tell(string.Join("; ", sampling.Describe()));
                break;
            case "/info":
                foreach (var fact in session.Describe()) Tell(fact);
                break;
            case "/help":
                Tell(Help);
                break;
            case "/exit":
                return false;
            default:
                throw new UsageException($"there is no command {command}: /help tells them, and a message that begins with a slash begins with two");
        }

        return true;
    }

    private void Tell(string text) => terminal.Error.WriteLine(text);
}
