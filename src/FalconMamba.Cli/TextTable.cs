using Spectre.Console;

namespace FalconMamba.Cli;

/// <summary>A table: drawn on a screen, aligned columns elsewhere.</summary>
internal sealed class TextTable
{
    private readonly string[] _headings;
    private readonly int _firstNumber;
    private readonly List<string[]> _rows = [];

    /// <param name="firstNumber">Columns from this one on are aligned to the right.</param>
    /// <param name="headings">One a column.</param>
    public TextTable(int firstNumber, params string[] headings)
    {
        _firstNumber = firstNumber;
        _headings = Array.ConvertAll(headings, ScreenLine.Of);
    }

    public void Add(params string[] cells) => _rows.Add(Array.ConvertAll(cells, ScreenLine.Of));

    public void Write(Terminal terminal)
    {
        if (terminal.OutputIsScreen) Draw(terminal);
        else WriteColumns(terminal.Output);
    }

    private void Draw(Terminal terminal)
    {
        var table = new Table().Border(TableBorder.Rounded);
        for (var i = 0; i < _headings.Length; i++)
            table.AddColumn(new TableColumn(new Text(_headings[i], new Style(decoration: Decoration.Bold))) { Alignment = i < _firstNumber ? Justify.Left : Justify.Right });
        foreach (var row in _rows) table.AddRow(row.Select(cell => new Text(cell)));
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Output) }).Write(table);
    }

    private void WriteColumns(TextWriter output)
    {
        var widths = _headings.Select((heading, i) => _rows.Select(row => row[i].Length).Append(heading.Length).Max()).ToArray();
        foreach (var row in _rows.Prepend(_headings))
            output.WriteLine(string.Join("  ", row.Select((cell, i) => i < _firstNumber ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))).TrimEnd());
    }
}
