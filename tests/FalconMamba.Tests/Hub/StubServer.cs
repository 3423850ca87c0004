using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FalconMamba.Tests.Hub;

/// <summary>A stub hub behind a real socket: a server of HTTP/1.1 that is just enough for a client to read from, and cuts connections when told to.</summary>
public sealed class StubServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly StubHub _hub;
    private readonly Task _accepting;

    public StubServer(StubHub hub)
    {
        _hub = hub;
        _listener.Start();
        var port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        hub.Address = new Uri($"http://127.0.0.1:{port}");
        hub.Cdn = new Uri($"http://localhost:{port}");
        _accepting = AcceptAsync();
    }

    public void Dispose()
    {
        _listener.Stop();
        _accepting.GetAwaiter().GetResult();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync()));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            await Task.WhenAll(connections);
        }
    }

    // One request a connection.
    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using var connection = client;
            using var reader = new StreamReader(connection.GetStream(), Encoding.Latin1, leaveOpen: true);
            if (await reader.ReadLineAsync() is not { Length: > 0 } first) return;
            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            while (await reader.ReadLineAsync() is { Length: > 0 } line) headers[line.Split(':')[0]] = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            var words = first.Split(' ');
            var from = headers.TryGetValue("Range", out var range) ? long.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture) : 0;
            var response = _hub.Answer(new StubRequest(words[0], new Uri($"http://{headers["Host"]}{words[1]}"), headers.GetValueOrDefault("Authorization"), from));
            var head = new StringBuilder($"HTTP/1.1 {response.Status} Stub\r\nConnection: close\r\n");
            foreach (var (name, value) in response.Headers) head.Append($"{name}: {value}\r\n");
            if (!response.Headers.ContainsKey("Content-Length")) head.Append($"Content-Length: {response.Body.Length}\r\n");
            var stream = connection.GetStream();
            await stream.WriteAsync(Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()));
            if (words[0] != "HEAD") await stream.WriteAsync(response.Body.AsMemory(0, response.CutAfter ?? response.Body.Length));
        }
        catch (IOException)
        {
            // The client went away.
        }
    }
}
