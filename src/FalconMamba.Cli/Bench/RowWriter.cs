using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FalconMamba.Cli.Bench;

/// <summary>Writes measured rows as llama-bench does: a Markdown table for people, else JSON, JSON lines or CSV.</summary>
internal sealed class RowWriter(Terminal terminal, string format)
{
    public static readonly string[] Formats = ["md", "json", "jsonl", "csv"];

    private readonly List<JsonObject> _rows = [];
    private bool _begun;

    /// <summary>Adds a row; table and line formats write it at once.</summary>
    /// <param name="row">The fields; arrays are left out of CSV.</param>
    /// <param name="heading">The table's first two lines.</param>
    /// <param name="line">The row's line of the table.</param>
    public void Add(JsonObject row, string heading, string line)
    {
        switch (format)
        {
            case "md":
                if (!_begun) terminal.Output.WriteLine(heading);
                terminal.Output.WriteLine(line);
                break;
            case "csv":
                var cells = row.Where(field => field.Value is not JsonArray).ToArray();
                if (!_begun) terminal.Output.WriteLine(string.Join(',', cells.Select(field => field.Key)));
                terminal.Output.WriteLine(string.Join(',', cells.Select(field => Quote(field.Value?.ToString() ?? ""))));
                break;
            case "jsonl":
                terminal.Output.WriteLine(row.ToJsonString());
                break;
            default:
                _rows.Add(row);
                break;
        }

        _begun = true;
        terminal.Output.Flush();
    }

    /// <summary>Ends the report.</summary>
    public void Finish()
    {
        if (format == "json") terminal.Output.WriteLine(new JsonArray([.. _rows]).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    private static string Quote(string value) => new StringBuilder(value).Replace("\"", "\"\"").Insert(0, '"').Append('"').ToString();
}
