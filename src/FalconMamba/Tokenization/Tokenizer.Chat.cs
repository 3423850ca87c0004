using FalconMamba.ChatTemplates;

namespace FalconMamba.Tokenization;

public sealed partial class Tokenizer
{
    private const string ToolTemplate = "tool_use";

    // Parsed once, at the first conversation: most tokenizers never see one.
    private readonly Dictionary<string, ChatTemplate> _parsedTemplates = new(StringComparer.Ordinal);

    /// <summary>
    /// Renders a conversation with the chat template of the tokenizer's files, as <c>apply_chat_template</c> of transformers does.
    /// Give the result to <see cref="Encode(RenderedChat, bool)"/> for ids.
    /// </summary>
    /// <param name="messages">The messages, oldest first.</param>
    /// <param name="options">Which template, and what else it is told.</param>
    /// <exception cref="InvalidOperationException">The tokenizer has no chat template, or none of that name.</exception>
    /// <exception cref="ChatTemplateException">The template is wrong, refuses the conversation or does not suit it, or reaches a bound.</exception>
    /// <exception cref="ArgumentException">The options contradict each other or the messages.</exception>
    public RenderedChat ApplyChatTemplate(IEnumerable<ChatMessage> messages, ChatTemplateOptions? options = null)
    {
        options ??= new ChatTemplateOptions();
        return GetChatTemplate(options).Render(messages, options, SpecialTokenVariables());
    }

    /// <summary>Encodes a rendered conversation: special tokens match only where the template wrote them.</summary>
    /// <param name="chat">The conversation.</param>
    /// <param name="addSpecialTokens">Adds the tokens of the file's post-processor; a chat template writes its own.</param>
    public int[] Encode(RenderedChat chat, bool addSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(chat);
        return Encode(chat.Text, chat.TrustedRanges.AsSpan(), addSpecialTokens);
    }

    private ChatTemplate GetChatTemplate(ChatTemplateOptions options)
    {
        var source = options.TemplateName is { } name
            ? NamedChatTemplates.GetValueOrDefault(name)
                ?? (name == "default" ? ChatTemplate : null)
                ?? throw new InvalidOperationException($"The tokenizer has no chat template named \"{name}\": {KnownTemplates()}.")
            : (options.Tools is { Count: > 0 } ? NamedChatTemplates.GetValueOrDefault(ToolTemplate) : null)
                ?? ChatTemplate
                ?? throw new InvalidOperationException($"The tokenizer has no chat template, as base models have none: {KnownTemplates()}, or parse one with ChatTemplate.Parse.");
        lock (_parsedTemplates)
        {
            if (!_parsedTemplates.TryGetValue(source, out var template)) _parsedTemplates[source] = template = ChatTemplates.ChatTemplate.Parse(source);
            return template;
        }
    }

    private string KnownTemplates() => NamedChatTemplates.Count == 0
        ? "use an instruct model"
        : $"choose one of {string.Join(", ", NamedChatTemplates.Keys.Order(StringComparer.Ordinal).Select(static name => $"\"{name}\""))}";

    private IEnumerable<(string, string)> SpecialTokenVariables()
    {
        if (BosToken is { } bos) yield return ("bos_token", bos);
        if (EosToken is { } eos) yield return ("eos_token", eos);
        if (PadToken is { } pad) yield return ("pad_token", pad);
        if (UnkToken is { } unk) yield return ("unk_token", unk);
    }
}
