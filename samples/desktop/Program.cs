using System.Globalization;
using FalconMamba.Extensions.AI;
using FalconMamba.Samples.Desktop;
using Microsoft.Extensions.AI;

var model = args.ElementAtOrDefault(0) ?? "shakespeare-4m";
var tokens = int.Parse(args.ElementAtOrDefault(1) ?? "20000", CultureInfo.InvariantCulture);

using var client = FalconMambaChatClient.Load(model);
var ui = new UiThread();
var window = new ChatWindow(client, new ChatOptions { MaxOutputTokens = tokens, Temperature = 0.7f, Seed = 1 }, ui.Quit);

Console.CancelKeyPress += (_, press) =>
{
    press.Cancel = true;
    ui.Post(window.Stop);
};

Console.Error.WriteLine("Ask, and press Enter. Escape or Ctrl-C stops an answer, Ctrl-D ends.");
// The keyboard has a thread of its own here, as the system's input has under every toolkit.
new Thread(ReadKeys) { IsBackground = true }.Start();
ui.Run();

void ReadKeys()
{
    while (ReadKey() is { } key) ui.Post(() => window.OnKey(key));
    ui.Post(window.OnClose);
}

static char? ReadKey()
{
    if (Console.IsInputRedirected) return Console.Read() is >= 0 and var read ? (char)read : null;
    var key = Console.ReadKey(intercept: true);
    if (key.KeyChar == '\u0004') return null;
    Console.Error.Write(key.Key == ConsoleKey.Enter ? "\n" : key.KeyChar);
    return key.Key == ConsoleKey.Backspace ? '\b' : key.KeyChar;
}
