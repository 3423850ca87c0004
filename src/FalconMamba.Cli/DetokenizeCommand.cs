using System.CommandLine;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli;

/// <summary><c>detokenize</c>: token ids as text.</summary>
internal static class DetokenizeCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var ids = new Argument<string[]>("ID") { Description = "Token ids; without them the standard input is read.", Arity = ArgumentArity.ZeroOrMore };
        var skipSpecial = new Option<bool>("--skip-special") { Description = "Leave special tokens out of the text." };
        var json = CommonOptions.Json();
        var command = new Command("detokenize", "Turn token ids back into text, exactly: no line break is added but on a screen.")
        {
            model, ids, skipSpecial, json,
        };
        command.OnRun(terminal, (parse, _) =>
        {
            var given = parse.GetValue(ids) is { Length: > 0 } words
                ? IdList.TryParse(string.Join(' ', words), out var wrong) ?? throw new UsageException($"\"{wrong}\" is no token id: give whole numbers from 0.")
                : IdList.TryParse(TextInput.Read(terminal.Input, "The standard input"), out wrong)
                    ?? throw new CommandException($"The standard input has \"{wrong}\", which is no token id: give whole numbers from 0.");
            var tokenizer = Tokenizer.Load(CommonOptions.Locate(parse, model, needsWeights: false));
            if (given.Any(id => tokenizer.IdToToken(id) is null))
            {
                var unknown = given.First(id => tokenizer.IdToToken(id) is null);
                throw new CommandException($"The tokenizer has no token {unknown}: it has {tokenizer.VocabularySize} tokens, from 0.");
            }

            var text = tokenizer.Decode(given, parse.GetValue(skipSpecial));
            if (parse.GetValue(json)) WriteJson(terminal, tokenizer, given, text);
            else terminal.Output.Write(terminal.OutputIsScreen ? text + "\n" : text);
        });
        return command;
    }

    private static void WriteJson(Terminal terminal, Tokenizer tokenizer, int[] ids, string text) => JsonOutput.Write(terminal, json =>
    {
        json.WriteNumbers("ids", ids);
        json.WriteTexts("tokens", ids.Select(tokenizer.IdToToken));
        json.WriteString("text", text);
    });
}
