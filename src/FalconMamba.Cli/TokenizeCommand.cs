using System.CommandLine;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli;

/// <summary><c>tokenize</c>: a text as token ids.</summary>
internal static class TokenizeCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var text = new Argument<string?>("TEXT") { Description = "The text; without it and --file the standard input is read.", Arity = ArgumentArity.ZeroOrOne };
        var file = new Option<string?>("--file", "-f") { HelpName = "FILE", Description = "Read the text from a file, exactly as it is." };
        var noSpecial = new Option<bool>("--no-special") { Description = "Leave out the special tokens that the tokenizer puts around a text; Falcon's puts none." };
        var json = CommonOptions.Json();
        var command = new Command("tokenize", "Turn a text into token ids: one line of numbers, or with --json also the tokens and their places.")
        {
            model, text, file, noSpecial, json,
        };
        command.OnRun(terminal, (parse, _) =>
        {
            if (parse.GetValue(text) is not null && parse.Has(file)) throw new UsageException("TEXT and --file were both given: give one of them.");
            var tokenizer = Tokenizer.Load(CommonOptions.Locate(parse, model, needsWeights: false));
            var input = parse.GetValue(text) ?? (parse.GetValue(file) is { } path ? TextInput.File(path) : TextInput.Read(terminal.Input, "The standard input"));
            var tokens = tokenizer.Tokenize(input, addSpecialTokens: !parse.GetValue(noSpecial));
            if (tokens.LostBytes is { IsEmpty: false } lost)
            {
                terminal.Error.WriteLine(
                    $"warning: {lost.Length} {(lost.Length == 1 ? "byte has" : "bytes have")} no token and {(lost.Length == 1 ? "is" : "are")} left out, "
                    + $"the first is 0x{lost[0].Value:X2} of the character at {lost[0].Position}.");
            }

            if (parse.GetValue(json)) WriteJson(terminal, tokens);
            else terminal.Output.WriteLine(string.Join(' ', tokens.Ids));
        });
        return command;
    }

    private static void WriteJson(Terminal terminal, TokenizedText tokens) => JsonOutput.Write(terminal, json =>
    {
        json.WriteNumbers("ids", tokens.Ids);
        json.WriteTexts("tokens", tokens.Tokens);
        json.WriteNumbers("offsets", tokens.Offsets.Select(range => $"[{range.Start.Value}, {range.End.Value}]"));
        json.WriteObjects("lost_bytes", tokens.LostBytes, lost =>
        {
            json.WriteNumber("position", lost.Position);
            json.WriteNumber("value", lost.Value);
        });
    });
}
