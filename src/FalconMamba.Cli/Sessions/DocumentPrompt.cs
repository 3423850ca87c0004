using FalconMamba.ChatTemplates;
using FalconMamba.Cli.Chat;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli.Sessions;

/// <summary>How a model is asked about a document: in a message under its template, or as a base model would go on.</summary>
internal sealed class DocumentPrompt
{
    /// <summary>What stands between a document and a question about it.</summary>
    public const string Separator = "\n\n";

    // Questions that begin as differently as they can.
    private static readonly string[] Probes = ["A", "a", "1", "?", "\u4f60", " ", "\n"];

    private readonly Tokenizer _tokenizer;
    private readonly bool _hasTemplate;

    /// <param name="tokenizer">The model's tokenizer.</param>
    public DocumentPrompt(Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _hasTemplate = tokenizer.ChatTemplate is not null || tokenizer.NamedChatTemplates.Count > 0;
    }

    /// <summary>The token that ends an answer under the template; null where there is none.</summary>
    public int? EndOfAnswer => _hasTemplate ? new ChatHistory(_tokenizer, null).EndOfAnswer() : null;

    /// <summary>The ids that make the model answer. What the texts say of special tokens is text.</summary>
    /// <exception cref="ChatTemplateException">The template refuses it.</exception>
    public int[] Encode(string document, string question) => _hasTemplate
        ? _tokenizer.Encode(_tokenizer.ApplyChatTemplate([new ChatMessage("user", document + Separator + question)], new ChatTemplateOptions { AddGenerationPrompt = true }))
        : _tokenizer.Encode($"{document}{Separator}Question: {question}\nAnswer:", ReadOnlySpan<Range>.Empty);

    /// <summary>The ids that a document's prompts begin with, whatever the question.</summary>
    public int[] EncodeDocument(string document)
    {
        var ids = Encode(document, Probes[0]);
        var common = Probes.Skip(1).Min(probe => ids.AsSpan().CommonPrefixLength(Encode(document, probe)));
        return ids[..common];
    }
}
