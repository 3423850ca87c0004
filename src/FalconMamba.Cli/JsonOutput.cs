using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FalconMamba.Cli;

/// <summary>Writes one JSON object to the output.</summary>
internal static class JsonOutput
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes an object and a line break.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="write">Writes the object's properties.</param>
    public static void Write(Terminal terminal, Action<Utf8JsonWriter> write) => Write(terminal, Options, write);

    /// <summary>Writes an object on a line of its own, for a reader that wants each at once.</summary>
    /// <inheritdoc cref="Write(Terminal, Action{Utf8JsonWriter})"/>
    public static void WriteLine(Terminal terminal, Action<Utf8JsonWriter> write)
    {
        Write(terminal, Options with { Indented = false }, write);
        terminal.Output.Flush();
    }

    /// <summary>An array of numbers on one line: ids are many.</summary>
    public static void WriteNumbers<T>(this Utf8JsonWriter json, string name, IEnumerable<T> numbers)
    {
        json.WritePropertyName(name);
        json.WriteRawValue($"[{string.Join(", ", numbers)}]");
    }

    /// <summary>An array of texts.</summary>
    public static void WriteTexts(this Utf8JsonWriter json, string name, IEnumerable<string?> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }

    /// <summary>An array of objects.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="name">The array's name.</param>
    /// <param name="items">What it holds.</param>
    /// <param name="write">Writes the properties of one.</param>
    public static void WriteObjects<T>(this Utf8JsonWriter json, string name, IEnumerable<T> items, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            write(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Terminal terminal, JsonWriterOptions options, Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, options))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        terminal.Output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }
}
