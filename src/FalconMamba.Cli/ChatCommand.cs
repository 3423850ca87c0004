using System.CommandLine;
using FalconMamba.Cli.Chat;
using FalconMamba.Cli.Sessions;
using FalconMamba.Generation;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli;

/// <summary><c>chat</c>: a conversation with an instruct model.</summary>
internal static class ChatCommand
{
    /// <summary>The verb.</summary>
    public const string Name = "chat";

    public static Command Create(Terminal terminal)
    {
        var model = new Argument<string?>("MODEL") { Description = $"{CommonOptions.ModelDescription} Without one, the session's, else {CommonOptions.DefaultModel}.", Arity = ArgumentArity.ZeroOrOne };
        var session = new Option<string?>("--session") { HelpName = "NAME", Description = "Go on with the conversation of this name, or begin it; it is stored when the chat ends. Or ask about what 'falcon-mamba read' has read." };
        var system = new Option<string?>("--system") { HelpName = "TEXT", Description = "Tell the model something before everything else." };
        var dump = new Option<bool>("--dump-prompt") { Description = "Write what the model would read for the first message, and its ids, and end." };
        var json = CommonOptions.Json().Describe("", "Write each answer as one JSON object on a line.");
        var command = new Command(Name, "Chat with an instruct model. Each line of the input is a message; answers go to the output, timings to the error stream; /help tells more.")
        {
            model, session, system, dump, json,
        };
        var texts = new TextOptions(command, ChatSampling.DefaultNewTokens);
        var assistants = new AssistantOption(command);
        var run = new RunOptions(command);
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            using var interrupts = new ChatInterrupts(terminal.HandlesSignals, cancellationToken);
            var name = parse.GetValue(session);
            if (name is not null && parse.GetValue(dump)) throw new UsageException("--dump-prompt shows how a new conversation begins: leave out --session.");
            var path = CommonOptions.Locate(parse.GetValue(model) ?? (name is null ? null : SessionFolder.ModelOf(name)) ?? CommonOptions.DefaultModel);
            var tokenizer = Tokenizer.Load(path);
            if (tokenizer.ChatTemplate is null && tokenizer.NamedChatTemplates.Count == 0)
                throw new CommandException($"{CommonOptions.NameOf(path)} has no chat template, as base models have none: take an instruct model, or 'falcon-mamba generate'.");
            var history = new ChatHistory(tokenizer, parse.GetValue(system));
            using var input = new ChatInput(terminal);
            try
            {
                if (parse.GetValue(dump)) Dump(tokenizer, history, input.Read(interrupts.Leaving), parse.GetValue(json));
                else Chat(path, name, history, input, interrupts, parse);
            }
            catch (OperationCanceledException) when (interrupts.Leaving.IsCancellationRequested)
            {
                throw new InterruptedException();
            }
        });
        return command;

        void Chat(string path, string? name, ChatHistory history, ChatInput input, ChatInterrupts interrupts, ParseResult parse)
        {
            using var assistant = assistants.Load(terminal, parse, run.Read(parse), interrupts.Leaving);
            var sampling = new ChatSampling(terminal, path, texts.Read(parse, new GenerationOptions { AssistantModel = assistant, AssistantTokenizer = assistant?.Tokenizer }), history.EndOfAnswer(), parse.GetValue(json));
            using var chat = new ChatSession(terminal, history, path, ModelLoading.Load(terminal, path, run.Read(parse), interrupts.Leaving));
            using var shelf = new ChatShelf(chat);
            var loop = new ChatLoop(terminal, input, chat, shelf, sampling) { Json = parse.GetValue(json) };
            if (name is not null && shelf.Open(name) is { } facts)
            {
                if (history.System is { } given) chat.History.System = given;
                loop.TellLoaded(facts);
            }
            if (terminal.InputIsScreen) terminal.Error.WriteLine($"{CommonOptions.NameOf(path)}: /help tells the commands, Ctrl-D ends the chat");
            loop.Run(interrupts);
        }

        void Dump(Tokenizer tokenizer, ChatHistory history, ChatEntry? entry, bool isJson)
        {
            if (entry is { } message) history.Ask(message.Text);
            var chat = history.Render();
            var ids = tokenizer.Encode(chat);
            if (isJson)
            {
                JsonOutput.Write(terminal, json =>
                {
                    json.WriteString("prompt", chat.Text);
                    json.WriteNumbers("ids", ids);
                });
                return;
            }

            terminal.Output.WriteLine(chat.Text);
            terminal.Output.WriteLine(string.Join(' ', ids));
        }
    }
}
