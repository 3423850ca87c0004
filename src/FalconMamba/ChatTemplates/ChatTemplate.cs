using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Syntax;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates;

/// <summary>
/// A chat template in Jinja, as the files of a model bring it. It renders what transformers' <c>apply_chat_template</c> renders,
/// in a sandbox with bounds, and is safe for any number of threads.
/// </summary>
public sealed class ChatTemplate
{
    // Templates in the wild have up to 20,000 characters.
    private const int MostCharacters = 1 << 21;

    private readonly SourceText _source;
    private readonly Statement[] _body;

    private ChatTemplate(SourceText source, Statement[] body)
    {
        _source = source;
        _body = body;
    }

    /// <summary>Parses a template.</summary>
    /// <param name="source">The Jinja source.</param>
    /// <exception cref="ChatTemplateException">The source is no template; the message names line and column.</exception>
    public static ChatTemplate Parse(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Length > MostCharacters)
            throw new ChatTemplateException(ChatTemplateErrorKind.Limit, $"at most {MostCharacters} characters were expected, found {source.Length}", 0, 0);
        var text = new SourceText(source);
        return new ChatTemplate(text, TemplateParser.Parse(text));
    }

    /// <summary>Renders a conversation.</summary>
    /// <param name="messages">The messages, oldest first.</param>
    /// <param name="options">What else the template is told.</param>
    /// <returns>The text, and which parts of it are the template's own.</returns>
    /// <exception cref="ChatTemplateException">The template refuses the conversation or does not suit it, or reaches a bound.</exception>
    /// <exception cref="ArgumentException">The options contradict each other or the messages.</exception>
    public RenderedChat Render(IEnumerable<ChatMessage> messages, ChatTemplateOptions? options = null) => Render(messages, options ?? new ChatTemplateOptions(), []);

    /// <summary>Renders a conversation with variables of the tokenizer's, which are trusted.</summary>
    internal RenderedChat Render(IEnumerable<ChatMessage> messages, ChatTemplateOptions options, IEnumerable<(string Name, string Value)> specialTokens)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (options.ContinueFinalMessage && options.AddGenerationPrompt)
            throw new ArgumentException("Either the last message is continued or a new one begins: set only one of ContinueFinalMessage and AddGenerationPrompt.", nameof(options));
        using var budget = Budget.Enter(new Budget(options.Limits));
        try
        {
            var conversation = Conversation.Read(messages, options);
            var variables = specialTokens.Select(static token => (token.Name, (object?)Text.Trusted(token.Value))).Concat(conversation.Variables(options));
            var evaluator = new Evaluator(_source, variables, options.Clock);
            var text = conversation.Finish(evaluator.Run(_body));
            return new RenderedChat
            {
                Text = text.Value,
                TrustedRanges = options.TrustsMessages
                    ? [0..text.Value.Length]
                    : [.. text.Runs().Where(static run => run.Trusted).Select(static run => run.Start..(run.Start + run.Length))],
                GenerationRanges = [.. evaluator.Generations.Where(range => range.End.Value <= text.Value.Length)],
            };
        }
        catch (Fault fault)
        {
            throw new ChatTemplateException(fault.Kind, fault.Message, 0, 0, fault);
        }
    }

    /// <summary>Renders with variables alone, as the language's tests do.</summary>
    internal Text RenderVariables(IEnumerable<(string Name, object? Value)> variables, ChatTemplateOptions options)
    {
        using var budget = Budget.Enter(new Budget(options.Limits));
        return new Evaluator(_source, variables, options.Clock).Run(_body);
    }
}
