namespace FalconMamba.Hub;

/// <summary>Where models come from and where they are kept; by default what the environment says, as the Python tools read it.</summary>
public sealed record HubOptions
{
    private static readonly Uri DefaultEndpoint = new("https://huggingface.co");
    private static readonly TimeSpan DefaultStallTimeout = TimeSpan.FromSeconds(30);

    /// <summary>The hub's address (<c>HF_ENDPOINT</c>).</summary>
    public Uri Endpoint { get; init; } = DefaultEndpoint;

    /// <summary>The folder of all downloaded models (<c>HF_HUB_CACHE</c>, or <c>hub</c> in <c>HF_HOME</c>).</summary>
    public required string CacheFolder { get; init; }

    /// <summary>The token sent to the hub, and to no other host (<c>HF_TOKEN</c>, or the file that signing in leaves).</summary>
    public string? Token { get; init; }

    /// <summary>Whether nothing is asked of the hub and only the cache is looked at (<c>HF_HUB_OFFLINE</c>).</summary>
    public bool Offline { get; init; }

    /// <summary>Whether snapshots link to their files; else they hold them (<c>HF_HUB_DISABLE_SYMLINKS</c>).</summary>
    public bool UsesLinks { get; init; } = true;

    /// <summary>How many files are fetched at once.</summary>
    public int ParallelFiles { get; init; } = 4;

    /// <summary>How long a connection may give nothing until it counts as cut.</summary>
    public TimeSpan StallTimeout { get; init; } = DefaultStallTimeout;

    /// <summary>Reads this process's environment.</summary>
    /// <exception cref="ArgumentException">A variable does not hold what it should.</exception>
    public static HubOptions FromEnvironment() => FromEnvironment(Environment.GetEnvironmentVariable);

    /// <summary>Reads an environment.</summary>
    /// <param name="variable">Gives a variable's value, null or empty where there is none.</param>
    /// <exception cref="ArgumentException">A variable does not hold what it should.</exception>
    public static HubOptions FromEnvironment(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        var user = Value("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var home = Folder("HF_HOME") ?? Path.Combine(Folder("XDG_CACHE_HOME") ?? Path.Combine(user, ".cache"), "huggingface");
        return new HubOptions
        {
            Endpoint = Value("HF_ENDPOINT") is { } endpoint ? Address(endpoint) : DefaultEndpoint,
            CacheFolder = Folder("HF_HUB_CACHE") ?? Folder("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home, "hub"),
            Token = IsSet("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? null : Value("HF_TOKEN") ?? Value("HUGGING_FACE_HUB_TOKEN") ?? ReadToken(Folder("HF_TOKEN_PATH") ?? Path.Combine(home, "token")),
            Offline = IsSet("HF_HUB_OFFLINE") || IsSet("TRANSFORMERS_OFFLINE"),
            UsesLinks = !IsSet("HF_HUB_DISABLE_SYMLINKS"),
        };

        string? Value(string name) => variable(name)?.Trim() is { Length: > 0 } value ? value : null;

        bool IsSet(string name) => Value(name)?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

        string? Folder(string name) => Value(name) is not { } path
            ? null
            : Path.GetFullPath(path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? user + path[1..] : path);
    }

    /// <summary>The hub and the cache; never the token.</summary>
    public override string ToString() => $"{Endpoint} in {CacheFolder}";

    private static Uri Address(string text) => Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out var address) && address.Scheme is "https" or "http"
        ? address
        : throw new ArgumentException($"HF_ENDPOINT is \"{text}\": an address such as {DefaultEndpoint} was expected.", nameof(text));

    private static string? ReadToken(string path)
    {
        try
        {
            return File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } token ? token : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A public model needs none; for others the hub's answer says what to do.
            return null;
        }
    }
}
