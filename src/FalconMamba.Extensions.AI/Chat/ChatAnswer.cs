using System.Text;
using FalconMamba.ChatTemplates;
using FalconMamba.Engine;
using FalconMamba.Extensions.AI.Observation;
using FalconMamba.Generation;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace FalconMamba.Extensions.AI.Chat;

/// <summary>The answer to one request: from the conversation to a prompt, and from tokens to updates.</summary>
internal sealed class ChatAnswer(FalconMambaEngine engine, ChatRequest request, Operation operation)
{
    private readonly string _responseId = operation.ResponseId!;
    private readonly DateTimeOffset _createdAt = DateTimeOffset.UtcNow;
    private readonly StringBuilder? _logged = engine.Options.EnableSensitiveData && engine.Logger.IsEnabled(LogLevel.Trace) ? new StringBuilder() : null;
    private readonly List<AIContent>? _said = engine.Conversations is null ? null : [];
    private readonly Conversation? _conversation = engine.Conversations is null ? null : Conversation.After(request.Before);
    private readonly ToolCallReader? _calls = request.Tools is null ? null : new ToolCallReader($"call_{operation.ResponseId}");

    /// <summary>Renders the conversation and hands it to the engine.</summary>
    /// <param name="cancellationToken">Ends the request.</param>
    public GeneratedTokens Begin(CancellationToken cancellationToken)
    {
        var chat = Render();
        if (_logged is not null) Log.Prompt(engine.Logger, chat.Text);
        var prompt = engine.Tokenizer.Encode(chat);
        (operation.InputTokens, operation.OutputTokens) = (prompt.Length, 0);
        // The marks of a call may be special tokens, which an answer otherwise leaves out.
        return engine.Batch.Submit(
            new GenerationRequest { Prompt = prompt, Options = Options(), SkipSpecialTokens = _calls is null, Owner = _conversation?.Owner },
            cancellationToken);
    }

    /// <summary>What a token makes certain.</summary>
    public IEnumerable<ChatResponseUpdate> Read(GeneratedToken token)
    {
        operation.OutputTokens++;
        if (token.Text.Length == 0) return [];
        return _calls is null ? [Update(new TextContent(token.Text))] : _calls.Push(token.Text).Select(content => Update(content));
    }

    /// <summary>Ends the answer, with all that was held back.</summary>
    /// <param name="tokens">The stream, which has ended.</param>
    public IEnumerable<ChatResponseUpdate> End(GeneratedTokens tokens)
    {
        if (_calls is not null)
        {
            // The mark that ended the answer is the call's.
            var closing = request.OneCall && tokens.StopString == ToolCallReader.Closing ? ToolCallReader.Closing : "";
            foreach (var content in _calls.Push(closing).Concat(_calls.Flush())) yield return Update(content);
        }

        if (_logged is not null) Log.Answer(engine.Logger, _logged.ToString());
        var reason = _calls is { Count: > 0 } ? ChatFinishReason.ToolCalls : tokens.FinishReason == FinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop;
        operation.FinishReason = reason.Value;
        var (input, output) = (operation.InputTokens, operation.OutputTokens);
        var usage = new UsageDetails { InputTokenCount = input, CachedInputTokenCount = tokens.CachedTokens, OutputTokenCount = output, TotalTokenCount = input + output };
        Keep();
        yield return Update(new UsageContent(usage), reason);
    }

    private RenderedChat Render()
    {
        if (request.Tools is not null) engine.Tools.ThrowIfUnsupported();
        return engine.Tokenizer.ApplyChatTemplate([.. request.Instructions, .. request.Messages], new ChatTemplateOptions { AddGenerationPrompt = true, Tools = request.Tools });
    }

    private void Keep()
    {
        if (_said is null) return;
        // Its pieces, joined as the caller joins them.
        var answer = _said.Select(content => new ChatResponseUpdate(ChatRole.Assistant, [content])).ToChatResponse().Messages;
        engine.Conversations!.Keep(_conversation! with
        {
            Messages = [.. request.Messages, .. TemplateMessages.Of(answer.DefaultIfEmpty(new Microsoft.Extensions.AI.ChatMessage(ChatRole.Assistant, "")))],
        });
    }

    // Where one call is allowed, its end is the answer's.
    private GenerationOptions Options() => _calls is not null && request.OneCall
        ? request.Options with { StopStrings = request.Options.StopStrings.Add(ToolCallReader.Closing) }
        : request.Options;

    private ChatResponseUpdate Update(AIContent content, ChatFinishReason? reason = null)
    {
        if (content is TextContent text) _logged?.Append(text.Text);
        if (content is not UsageContent) _said?.Add(content);
        return new ChatResponseUpdate(ChatRole.Assistant, [content])
        {
            ResponseId = _responseId,
            MessageId = _responseId,
            ConversationId = _conversation?.Id,
            ModelId = engine.ModelId,
            CreatedAt = _createdAt,
            FinishReason = reason,
        };
    }
}
