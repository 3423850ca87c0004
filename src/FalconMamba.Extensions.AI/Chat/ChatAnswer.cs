using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using FalconMamba.ChatTemplates;
using FalconMamba.Extensions.AI.Observation;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace FalconMamba.Extensions.AI.Chat;

/// <summary>Writes the answer to one request, on the engine's thread.</summary>
internal sealed class ChatAnswer(FalconMambaEngine engine, ChatRequest request, Operation operation, ChannelWriter<ChatResponseUpdate> updates)
{
    private readonly string _responseId = operation.ResponseId!;
    private readonly DateTimeOffset _createdAt = DateTimeOffset.UtcNow;
    private readonly StringBuilder? _logged = engine.Options.EnableSensitiveData && engine.Logger.IsEnabled(LogLevel.Trace) ? new StringBuilder() : null;

    /// <summary>Reads the conversation and generates.</summary>
    /// <param name="cancellationToken">Looked at before every token and inside long prompts.</param>
    public void Write(CancellationToken cancellationToken)
    {
        var chat = Render();
        if (_logged is not null) Log.Prompt(engine.Logger, chat.Text);
        var prompt = engine.Tokenizer.Encode(chat);
        var generator = new TextGenerator(engine.Model, engine.Tokenizer, request.Options);
        var calls = request.Tools is null ? null : new ToolCallReader($"call_{_responseId}");
        using var state = engine.Model.CreateState();
        operation.InputTokens = prompt.Length;
        try
        {
            Generate(generator, state, prompt, calls, cancellationToken);
        }
        finally
        {
            operation.OutputTokens = generator.Ids.Count;
        }

        End(prompt.Length, generator.Ids.Count, calls is { Count: > 0 } ? ChatFinishReason.ToolCalls : ReasonOf(generator.FinishReason));
    }

    private RenderedChat Render()
    {
        var chat = Render(request.Tools);
        if (request.Tools is null) return chat;
        if (chat.Text == Render(null).Text)
        {
            throw new UnsupportedOptionException(
                nameof(ChatOptions.Tools), $"The chat template of {engine.ModelId} has no place for tools: leave them out, or use a model that was trained to call functions.");
        }

        return chat.Text.Contains(ToolCallReader.Opening, StringComparison.Ordinal)
            ? chat
            : throw new UnsupportedOptionException(
                nameof(ChatOptions.Tools), $"The chat template of {engine.ModelId} asks for calls in a form of its own, and only {ToolCallReader.Opening} is read: leave the tools out.");
    }

    private RenderedChat Render(JsonArray? tools) =>
        engine.Tokenizer.ApplyChatTemplate(request.Messages, new ChatTemplateOptions { AddGenerationPrompt = true, Tools = tools });

    private void Generate(TextGenerator generator, RecurrentState state, int[] prompt, ToolCallReader? calls, CancellationToken cancellationToken)
    {
        if (calls is null)
        {
            foreach (var piece in generator.Generate(state, prompt, cancellationToken: cancellationToken)) Send(new TextContent(piece));
            return;
        }

        // The marks of a call may be special tokens, which an answer otherwise leaves out.
        var text = new TextStream(engine.Tokenizer);
        foreach (var piece in generator.Generate(state, prompt, text: text, cancellationToken: cancellationToken))
        {
            foreach (var content in calls.Push(piece))
            {
                Send(content);
                if (request.OneCall && calls.Count > 0) return;
            }
        }

        var tail = generator.FinishReason == FinishReason.StopString ? "" : text.Flush();
        foreach (var content in calls.Push(tail).Concat(calls.Flush())) Send(content);
    }

    private void End(long input, long output, ChatFinishReason reason)
    {
        operation.FinishReason = reason.Value;
        if (_logged is not null) Log.Answer(engine.Logger, _logged.ToString());
        var usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output, TotalTokenCount = input + output };
        Send(new UsageContent(usage), reason);
    }

    private void Send(AIContent content, ChatFinishReason? reason = null)
    {
        if (content is TextContent text) _logged?.Append(text.Text);
        updates.TryWrite(new ChatResponseUpdate(ChatRole.Assistant, [content])
        {
            ResponseId = _responseId,
            MessageId = _responseId,
            ModelId = engine.ModelId,
            CreatedAt = _createdAt,
            FinishReason = reason,
        });
    }

    private static ChatFinishReason ReasonOf(FinishReason reason) => reason == FinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop;
}
