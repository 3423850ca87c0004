using FalconMamba.Cli.Sessions;
using FalconMamba.Generation;

namespace FalconMamba.Cli.Chat;

/// <summary>Messages in, answers out, until the input ends: by a person at a screen, or line by line through a pipe.</summary>
internal sealed class ChatLoop(Terminal terminal, ChatInput input, ChatSession session, ChatShelf shelf, ChatSampling sampling)
{
    private const string Help = """"
        /undo            takes the last message and its answer back
        /save [NAME]     keeps the conversation under a name, and again when it is left
        /load NAME       goes on with another one, or asks about what 'falcon-mamba read' has read
        /branch [NAME]   keeps the conversation as it is and goes on under another name: /load goes back
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

    // Whether a file was given and no message behind it.
    private bool _hasFile;

    /// <summary>Whether answers are written as lines of JSON.</summary>
    public bool Json { get; init; }

    /// <summary>Runs the chat, and stores the conversation at its end if it has a name.</summary>
    /// <exception cref="OperationCanceledException">The user ended it by a signal.</exception>
    public void Run(ChatInterrupts interrupts)
    {
        try
        {
            Talk(interrupts);
        }
        catch
        {
            try
            {
                Leave();
            }
            catch (Exception e) when (!Failure.IsClosedPipe(e))
            {
                Tell($"error: {Failure.Describe(e)}");
            }

            throw;
        }

        Leave();
    }

    private void Talk(ChatInterrupts interrupts)
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
                Tell($"error: {Failure.Describe(e)}");
            }
        }

        if (_hasFile && shelf.Name is null) throw new CommandException("A file was given and no message behind it: ask something about it.");
        if (terminal is { InputIsScreen: true, ErrorIsScreen: true }) terminal.Error.WriteLine();
    }

    private void Leave()
    {
        if (shelf.Leave()) Tell($"{shelf.Name} is kept: 'falcon-mamba chat --session {shelf.Name}' goes on with it");
    }

    private void Answer(string message, ChatInterrupts interrupts)
    {
        var reply = interrupts.During(token => session.Answer(message, sampling.Options, Emit, token));
        if (reply.Counts) _hasFile = false;
        if (Json) reply.WriteJson(terminal);
        else if (!reply.Text.EndsWith('\n')) terminal.Output.WriteLine();
        terminal.Output.Flush();
        interrupts.Leaving.ThrowIfCancellationRequested();
        terminal.Error.WriteLine(reply switch
        {
            { Counts: false } => $"stopped before the answer began: the message does not count{(session.History.File.Length > 0 ? ", and the file goes before the next one" : "")}",
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
            case "/save":
                var saved = shelf.Save(rest.Length > 0 ? rest : null);
                Tell($"{saved.Name}: {session.History.Count} messages, {Units.Digits(saved.TokenCount)} tokens; on the disk: {Units.Bytes(saved.ByteLength)} in {saved.States.Count} states");
                break;
            case "/load":
                if (rest.Length == 0) throw new UsageException("/load takes the name of a session");
                TellLoaded(shelf.Load(rest));
                break;
            case "/branch":
                var old = shelf.Branch(rest.Length > 0 ? rest : null);
                Tell($"{old} is kept as it is, and this goes on as {shelf.Name}: /load {old} goes back");
                break;
            case "/system":
                session.History.System = rest.Length > 0 ? rest : null;
                Tell(rest.Length > 0 ? "the system message is set" : "there is no system message");
                break;
            case "/file":
                if (rest.Length == 0) throw new UsageException("/file takes the name of a file");
                var content = TextInput.File(rest);
                session.History.File += content.EndsWith('\n') ? $"{content}\n" : $"{content}\n\n";
                _hasFile = true;
                Tell($"{rest}: {Units.Digits(content.Length)} characters go before the next message");
                break;
            case "/sampling":
                if (rest.Length > 0) sampling.Change(rest);
                Tell(string.Join("; ", sampling.Describe()));
                break;
            case "/info":
                if (shelf.Name is { } name) Tell($"name: {ScreenLine.Of(name)}");
                foreach (var fact in session.Describe()) Tell(fact);
                break;
            case "/help":
                Tell(Help);
                break;
            case "/exit":
                // Where it cannot be stored, a person has another try.
                if (terminal.InputIsScreen) Leave();
                return false;
            default:
                throw new UsageException($"there is no command {command}: /help tells them, and a message that begins with a slash begins with two");
        }

        return true;
    }

    /// <summary>Tells what a session that was loaded holds.</summary>
    public void TellLoaded(SessionFacts facts)
    {
        _hasFile = false;
        var (all, unread) = session.Tokens;
        var tokens = $"{Units.Digits(all)} tokens{(unread > 1 ? $", {Units.Digits(unread)} of them not read yet" : "")}";
        Tell(facts.IsChat
            ? $"{ScreenLine.Of(facts.Name)}: {session.History.Count} messages, {tokens}"
            : $"{ScreenLine.Of(facts.Name)}: a document of {tokens}, which goes before the next message; the conversation has no name, /save NAME keeps it");
    }

    private void Tell(string text) => terminal.Error.WriteLine(text);
}
