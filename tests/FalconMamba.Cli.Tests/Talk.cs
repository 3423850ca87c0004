using System.Text.Json;
using FalconMamba.ChatTemplates;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli.Tests;

/// <summary>An answer of <c>chat --json</c>.</summary>
/// <param name="Text">Its text.</param>
/// <param name="Ids">Its tokens, with spaces between them.</param>
/// <param name="Read">The tokens that were read for it.</param>
/// <param name="Whole">The tokens of the conversation before it.</param>
internal sealed record Reply(string Text, string Ids, int Read, int Whole);

/// <summary>What tests of <c>chat</c> compare.</summary>
internal static class Talk
{
    public const int EndOfMessage = 10, MostTokens = 12;

    /// <summary>A chat that gives the same bits however it is cut.</summary>
    public static readonly string[] Deterministic = ["chat", "-n", $"{MostTokens}", "--deterministic", "--json"];

    public static string Shipped => Path.Combine(FixtureFolder.Repository, "models", Falcon.Model);

    /// <summary>The answers of an output.</summary>
    public static Reply[] Replies(string output) =>
    [
        .. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
        {
            using var json = JsonDocument.Parse(line);
            var reply = json.RootElement;
            return new Reply(
                reply.GetProperty("text").GetString()!,
                string.Join(' ', reply.GetProperty("ids").EnumerateArray()),
                reply.GetProperty("timings").GetProperty("prompt_tokens").GetInt32(),
                reply.GetProperty("conversation_tokens").GetInt32());
        }),
    ];

    /// <summary>The same conversation from its beginning, by the library.</summary>
    public static string Answer(string folder, IEnumerable<ChatMessage> messages)
    {
        var tokenizer = Tokenizer.FromFolder(folder);
        using var model = FalconMambaModel.Load(folder, new ModelOptions { Deterministic = true });
        using var state = model.CreateState();
        var generator = new TextGenerator(model, tokenizer, new GenerationOptions { MaxNewTokens = MostTokens, StopIds = [EndOfMessage] });
        return string.Concat(generator.Generate(state, tokenizer.Encode(tokenizer.ApplyChatTemplate(messages, new ChatTemplateOptions { AddGenerationPrompt = true }))));
    }
}
