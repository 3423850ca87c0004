using System.Collections.Immutable;
using System.Text.Json.Nodes;
using FalconMamba.ChatTemplates;
using FalconMamba.Generation;
using FalconMamba.Tokenization;

namespace FalconMamba;

/// <summary>
/// Generates text behind a text, or the answer to a conversation. What neither the caller nor the checkpoint says is as in
/// transformers' pipeline: 256 tokens, drawn with a temperature of 0.7.
/// </summary>
public sealed class TextGenerationPipeline : IDisposable
{
    private const int DefaultNewTokens = 256;
    private const double DefaultTemperature = 0.7;
    private const string Assistant = "assistant";

    /// <summary>A pipeline of a model and its tokenizer.</summary>
    /// <param name="model">The model, disposed with the pipeline.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    public TextGenerationPipeline(PretrainedModel model, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        Model = model;
        Tokenizer = tokenizer;
    }

    /// <summary>The model.</summary>
    public PretrainedModel Model { get; }

    /// <summary>Its tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Goes on with a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="returnFullText">Whether the results begin with the text (<c>return_full_text</c>).</param>
    /// <param name="cancellationToken">Looked at before every token and inside long prompts.</param>
    /// <returns>One result for each sequence that the options ask for.</returns>
    /// <exception cref="ArgumentException">The text has no tokens or too many, or a setting would have no effect.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ImmutableArray<TextGenerationResult> Generate(
        string text, GenerationOptions? options = null, bool returnFullText = true, CancellationToken cancellationToken = default) =>
        [.. Run(Tokenizer.Encode(text), options, cancellationToken).Select(answer => new TextGenerationResult
        {
            GeneratedText = returnFullText ? text + answer.Text : answer.Text!,
            FinishReason = answer.FinishReason,
        })];

    /// <summary>Answers a conversation; one that ends with the assistant's words goes on with them.</summary>
    /// <param name="messages">The messages, oldest first.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="cancellationToken">Looked at before every token and inside long prompts.</param>
    /// <returns>One result for each sequence that the options ask for: what was generated, and the conversation with it.</returns>
    /// <exception cref="InvalidOperationException">The tokenizer has no chat template.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    /// <exception cref="ArgumentException">There is no message, the conversation is too long, or a setting would have no effect.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ImmutableArray<TextGenerationResult> Generate(
        IReadOnlyList<ChatMessage> messages, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (messages.Count == 0) throw new ArgumentException("The conversation has no messages: give one at least.", nameof(messages));
        var begun = messages[^1].Role == Assistant ? messages[^1] : null;
        var chat = Tokenizer.ApplyChatTemplate(messages, new ChatTemplateOptions { AddGenerationPrompt = begun is null, ContinueFinalMessage = begun is not null });
        return [.. Run(Tokenizer.Encode(chat), options, cancellationToken).Select(answer => new TextGenerationResult
        {
            GeneratedText = answer.Text!,
            FinishReason = answer.FinishReason,
            Messages = begun is null ? [.. messages, new ChatMessage(Assistant, answer.Text)] : [.. messages.SkipLast(1), Continued(begun, answer.Text!)],
        })];
    }

    /// <summary>Goes on with a text and gives the new one in pieces as it comes.</summary>
    /// <param name="text">The text.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="cancellationToken">Looked at before every token and inside long prompts.</param>
    /// <returns>Pieces of whole characters.</returns>
    /// <exception cref="ArgumentException">The text has no tokens or too many, a setting would have no effect, or asks for several sequences.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<string> Stream(string text, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var ids = Tokenizer.Encode(text);
        var generator = new TextGenerator(Model, Tokenizer, Complete(options));
        return Pieces();

        IEnumerable<string> Pieces()
        {
            using var owned = generator;
            using var state = Model.CreateState();
            foreach (var piece in generator.Generate(state, ids, cancellationToken: cancellationToken)) yield return piece;
        }
    }

    /// <summary>Disposes of the model.</summary>
    public void Dispose() => Model.Dispose();

    private ImmutableArray<GeneratedSequence> Run(int[] ids, GenerationOptions? options, CancellationToken cancellationToken) =>
        Model.Runner.GenerateInDetail(ids, Complete(options), Tokenizer, cancellationToken: cancellationToken).Answers;

    private GenerationOptions Complete(GenerationOptions? given)
    {
        var options = Model.Complete(given);
        if (options.MaxNewTokens is null && options.MaxLength is null) options = options with { MaxNewTokens = DefaultNewTokens };
        return options.DoSample == false ? options : options with { DoSample = true, Temperature = options.Temperature ?? DefaultTemperature };
    }

    private static ChatMessage Continued(ChatMessage message, string text)
    {
        var fields = (JsonObject)message.Fields.DeepClone();
        // Content in parts ends with the text that was gone on with.
        if (fields["content"] is JsonArray parts) Append(parts.OfType<JsonObject>().Last(part => part["text"] is not null), "text");
        else Append(fields, "content");
        return new ChatMessage(fields);

        void Append(JsonObject holder, string key) => holder[key] = holder[key]!.GetValue<string>() + text;
    }
}
