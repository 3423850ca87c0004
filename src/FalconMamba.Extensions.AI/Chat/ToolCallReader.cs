using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace FalconMamba.Extensions.AI.Chat;

/// <summary>
/// Finds calls in an answer that comes piece by piece: <c>&lt;tool_call&gt;{"name": …, "arguments": {…}}&lt;/tool_call&gt;</c>, as Hermes,
/// Qwen and most open templates ask for them. What is no call is passed on as text, calls that cannot be read too.
/// </summary>
/// <param name="callId">Begins the id of every call.</param>
internal sealed class ToolCallReader(string callId)
{
    /// <summary>What a call begins with.</summary>
    public const string Opening = "<tool_call>";

    /// <summary>What a call ends with.</summary>
    public const string Closing = "</tool_call>";

    private readonly StringBuilder _held = new();
    private bool _inside;

    /// <summary>How many calls were found.</summary>
    public int Count { get; private set; }

    /// <summary>Takes the next piece of the answer.</summary>
    /// <returns>The texts and calls that are certain now.</returns>
    public IEnumerable<AIContent> Push(string piece)
    {
        _held.Append(piece);
        while (true)
        {
            var text = _held.ToString();
            var mark = _inside ? Closing : Opening;
            var place = text.IndexOf(mark, StringComparison.Ordinal);
            // Until a mark is whole, text is held back from where it may begin, and a call from its beginning.
            var certain = place >= 0 ? place : _inside ? 0 : text.Length - Overlap(text, mark);
            _held.Remove(0, place >= 0 ? place + mark.Length : certain);
            if (_inside && place >= 0) yield return Call(text[..place]);
            else if (certain > 0) yield return new TextContent(text[..certain]);
            if (place < 0) yield break;
            _inside = !_inside;
        }
    }

    /// <summary>Ends the answer: what was held back is text after all.</summary>
    public IEnumerable<AIContent> Flush()
    {
        var rest = (_inside ? Opening : "") + _held;
        _held.Clear();
        _inside = false;
        if (rest.Length > 0) yield return new TextContent(rest);
    }

    private AIContent Call(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            var name = json.RootElement.GetProperty("name").GetString();
            var arguments = new Dictionary<string, object?>(StringComparer.Ordinal);
            if (json.RootElement.TryGetProperty("arguments", out var given))
                foreach (var argument in given.EnumerateObject()) arguments[argument.Name] = argument.Value.Clone();
            if (!string.IsNullOrEmpty(name)) return new FunctionCallContent($"{callId}_{Count++}", name, arguments);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // The model wrote it wrongly: the caller sees what it wrote.
        }

        return new TextContent(Opening + text + Closing);
    }

    // The longest end of the text that the mark begins with.
    private static int Overlap(string text, string mark)
    {
        for (var length = Math.Min(text.Length, mark.Length - 1); length > 0; length--)
            if (text.EndsWith(mark[..length], StringComparison.Ordinal)) return length;
        return 0;
    }
}
