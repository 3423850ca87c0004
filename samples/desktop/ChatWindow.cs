using System.Text;
using Microsoft.Extensions.AI;

namespace FalconMamba.Samples.Desktop;

/// <summary>A window's code-behind: everything in here runs on the UI thread, and nothing waits for the model.</summary>
internal sealed class ChatWindow(IChatClient client, ChatOptions options, Action quit)
{
    private readonly StringBuilder _line = new();
    private Action? _stop;
    private bool _closed;

    /// <summary>A key was pressed, whether or not an answer is coming.</summary>
    public void OnKey(char key)
    {
        if (key == '\e') Stop();
        else if (key == '\b') _line.Length = Math.Max(0, _line.Length - 1);
        else if (key is not ('\r' or '\n')) _line.Append(key);
        else if (_line.Length > 0) OnEnter();
    }

    /// <summary>The window is closed: what runs is stopped, and awaited, before the thread goes.</summary>
    public void OnClose()
    {
        _closed = true;
        if (_stop is null) quit();
        else Stop();
    }

    /// <summary>Stops the answer at its next token.</summary>
    public void Stop() => _stop?.Invoke();

    // An event handler, and so one of the few places for async void.
    private async void OnEnter()
    {
        if (_stop is not null)
        {
            Console.Error.WriteLine("\n[one answer at a time: Escape stops it]");
            return;
        }

        var question = _line.ToString();
        _line.Clear();
        using var cancellation = new CancellationTokenSource();
        _stop = cancellation.Cancel;
        try
        {
            await foreach (var update in client.GetStreamingResponseAsync(question, options, cancellation.Token)) Console.Write(update.Text);
            Console.Error.WriteLine("\n[done]");
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("\n[stopped]");
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"\n[{e.Message}]");
        }

        _stop = null;
        if (_closed) quit();
    }
}
