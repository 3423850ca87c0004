using ScottPlot;
using SkiaSharp;

namespace FalconMamba.Cli.Bench;

/// <summary>Draws a <see cref="FlatnessRun"/>: time a token and memory against the position, all axes from zero.</summary>
internal static class FlatnessChart
{
    private const int Width = 1000, Height = 720;
    private const float FontSize = 14, TitleSize = 17;

    private static readonly string[] Fonts = ["DejaVu Sans", "Liberation Sans", "Noto Sans", "Segoe UI", "Helvetica Neue", "Arial"];

    // Of a palette that people with any kind of sight can tell apart.
    private static readonly Color Blue = Color.FromHex("#0072B2"), Orange = Color.FromHex("#D55E00");

    /// <summary>Whether there is a font for a chart's text.</summary>
    public static bool CanDraw => Font is not null;

    /// <summary>Refuses what cannot be drawn, before the work for it is done.</summary>
    /// <exception cref="UsageException">The name ends in neither .png nor .svg.</exception>
    /// <exception cref="CommandException">The file cannot be written, or the machine has no font for its text or no library to draw with.</exception>
    public static string Check(string path)
    {
        if (Path.GetExtension(path).ToUpperInvariant() is not (".PNG" or ".SVG"))
            throw new UsageException($"--chart takes a name that ends in .png or .svg, \"{path}\" was given.");
        OutputFile.Check(path);
        try
        {
            return CanDraw
                ? path
                : throw new CommandException("A chart cannot be drawn, this machine has no font for its text: install one, such as DejaVu, or use --csv.");
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException { InnerException: DllNotFoundException })
        {
            throw new CommandException("A chart cannot be drawn, there is no drawing library for this kind of machine: use --csv.");
        }
    }

    /// <summary>Writes the chart.</summary>
    public static void Write(string path, string title, FlatnessTrack track)
    {
        var samples = track.Samples.ToArray();
        double[] positions = [.. samples.Select(s => (double)s.Position)];
        var (timeUnit, timeScale) = samples.Max(s => s.Seconds) >= 0.01 ? ("ms", 1e3) : ("µs", 1e6);
        var (memoryUnit, memoryScale) = samples.Max(s => s.Memory.Bytes) >= 2e9 ? ("GB", 1e-9) : ("MB", 1e-6);

        var chart = new Multiplot();
        chart.AddPlots(2);
        var time = chart.GetPlot(0);
        var dots = time.Add.ScatterPoints(positions, [.. samples.Select(s => s.Seconds * timeScale)], Blue);
        dots.MarkerSize = 5;
        time.Title(title, TitleSize);
        Frame(time, positions[^1], $"{timeUnit} a token");

        var memory = chart.GetPlot(1);
        Line(memory, "resident", Blue, s => s.Memory.Bytes);
        if (samples[0].Memory.Anonymous > 0) Line(memory, "without mapped files", Orange, s => s.Memory.Anonymous);
        memory.ShowLegend(Alignment.MiddleRight);
        memory.Legend.FontSize = FontSize;
        memory.XLabel("position (tokens)", FontSize);
        Frame(memory, positions[^1], $"memory ({memoryUnit})");

        if (Path.GetExtension(path).Equals(".svg", StringComparison.OrdinalIgnoreCase)) SaveSvg(chart, path);
        else chart.SavePng(path, Width, Height);

        void Line(Plot plot, string label, Color color, Func<FlatnessSample, double> value)
        {
            var line = plot.Add.ScatterLine(positions, [.. samples.Select(s => value(s) * memoryScale)], color);
            line.LineWidth = 2;
            line.LegendText = label;
        }
    }

    // Without any font the manager lists one that has no name and draws nothing.
    private static string? Font
    {
        get
        {
            var installed = SKFontManager.Default.FontFamilies.Where(name => name.Length > 0).ToArray();
            return Fonts.FirstOrDefault(installed.Contains) ?? installed.FirstOrDefault();
        }
    }

    private static void SaveSvg(Multiplot chart, string path)
    {
        using var file = File.Create(path);
        using var canvas = SKSvgCanvas.Create(SKRect.Create(Width, Height), file);
        chart.Render(canvas, new PixelRect(0, Width, Height, 0));
    }

    private static void Frame(Plot plot, double last, string label)
    {
        plot.YLabel(label, FontSize);
        plot.Font.Set(Font!);
        plot.Axes.AutoScale();
        var top = plot.Axes.GetLimits().Top;
        plot.Axes.SetLimits(0, last, 0, 1.1 * top);
        foreach (var axis in (IAxis[])[plot.Axes.Left, plot.Axes.Bottom]) axis.TickLabelStyle.FontSize = FontSize - 1;
        // Both panels have their axes at the same place, and room for the last position's digits.
        plot.Layout.Fixed(new PixelPadding(90, 50, 60, 40));
    }
}
