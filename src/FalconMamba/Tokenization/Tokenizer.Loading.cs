using FalconMamba.Formats.Gguf;

namespace FalconMamba.Tokenization;

public sealed partial class Tokenizer
{
    private const string ModelFile = "tokenizer.json";

    /// <summary>Reads the tokenizer of a model: a folder (see <see cref="FromFolder"/>) or a GGUF file.</summary>
    /// <param name="path">The folder or the <c>.gguf</c> file.</param>
    /// <exception cref="FileNotFoundException">The folder has no tokenizer.json.</exception>
    /// <exception cref="MalformedFileException">A file does not hold what it should.</exception>
    public static Tokenizer Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!File.Exists(path)) return FromFolder(path);
        using var file = GgufFile.Open(path);
        return FromGguf(file);
    }

    /// <summary>Reads the tokenizer of a model where it has one.</summary>
    /// <param name="path">The folder or the <c>.gguf</c> file.</param>
    /// <returns>The tokenizer; null where the folder has no tokenizer.json, or the file no tokenizer.</returns>
    /// <exception cref="MalformedFileException">A file does not hold what it should.</exception>
    public static Tokenizer? LoadIfAny(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!File.Exists(path)) return File.Exists(Path.Combine(path, ModelFile)) ? FromFolder(path) : null;
        using var file = GgufFile.Open(path);
        return GgufTokenizer.IsIn(file) ? FromGguf(file) : null;
    }

    /// <summary>
    /// Reads the tokenizer inside a GGUF file: byte-level vocabularies (<c>gpt2</c>) cut as Falcon, GPT-2 or GPT-NeoX do. It gives
    /// the ids that the <c>tokenizer.json</c> it was made from gives.
    /// </summary>
    /// <param name="file">The file, not needed afterwards.</param>
    /// <exception cref="MalformedFileException">The file has no such tokenizer.</exception>
    public static Tokenizer FromGguf(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var (model, config) = GgufTokenizer.Read(file);
        return new Tokenizer(model, config);
    }

    /// <summary>Reads a model's folder: <c>tokenizer.json</c> and what stands beside it (see <see cref="TokenizerConfig"/>).</summary>
    /// <exception cref="FileNotFoundException">The folder has no tokenizer.json.</exception>
    /// <exception cref="MalformedFileException">A file does not hold what it should.</exception>
    public static Tokenizer FromFolder(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var path = Path.Combine(folder, ModelFile);
        if (!File.Exists(path)) throw new FileNotFoundException($"{folder}: {ModelFile} was looked for, but the folder has none: copy it from the model that the folder was made of.", path);
        return FromFile(path, TokenizerConfig.FromFolder(folder));
    }

    /// <summary>Reads one <c>tokenizer.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">What stands beside it; by default nothing.</param>
    /// <exception cref="MalformedFileException">The file does not hold what it should.</exception>
    public static Tokenizer FromFile(string path, TokenizerConfig? config = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Parse(BoundedFile.Read(path, TokenizerJson.MaxBytes), path, config);
    }

    /// <summary>Reads the content of a <c>tokenizer.json</c> from a stream.</summary>
    /// <param name="json">The content.</param>
    /// <param name="fileName">The name for messages.</param>
    /// <param name="config">What stands beside it; by default nothing.</param>
    /// <exception cref="MalformedFileException">The content is not such a file.</exception>
    public static Tokenizer Parse(Stream json, string fileName, TokenizerConfig? config = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        return Parse(BoundedFile.Read(json, fileName, TokenizerJson.MaxBytes), fileName, config);
    }

    /// <summary>Reads the content of a <c>tokenizer.json</c>.</summary>
    /// <param name="json">The content.</param>
    /// <param name="fileName">The name for messages.</param>
    /// <param name="config">What stands beside it; by default nothing.</param>
    /// <exception cref="MalformedFileException">The content is not such a file.</exception>
    public static Tokenizer Parse(ReadOnlyMemory<byte> json, string fileName, TokenizerConfig? config = null)
    {
        config ??= new TokenizerConfig();
        var model = TokenizerJson.Read(json, fileName);
        return new Tokenizer(model with { AddedTokens = JoinAddedTokens(model, config, fileName) }, config);
    }

    // As transformers does: the flags beside tokenizer.json rule, and a special token that is only an ordinary entry of the
    // vocabulary becomes an added one.
    private static List<AddedToken> JoinAddedTokens(TokenizerModel model, TokenizerConfig config, string fileName)
    {
        var byContent = model.AddedTokens.ToDictionary(static token => token.Content, StringComparer.Ordinal);
        var ids = model.AddedTokens.Select(static token => token.Id).Concat(model.Vocabulary.Values).ToHashSet();
        foreach (var token in config.AddedTokens)
        {
            if (token.Content.Length == 0) continue;
            int? known = byContent.GetValueOrDefault(token.Content)?.Id
                ?? (model.Vocabulary.TryGetValue(token.Content, out var id) ? id : null);
            if (known != token.Id && (known is not null || !IsNext(token.Id)))
            {
                var found = known is null ? "the id is not free" : $"it has the id {known}";
                throw new MalformedFileException(
                    fileName, $"added token {token.Id}", $"the token \"{token.Content}\" of the tokenizer_config.json beside it was expected here, but {found}");
            }

            byContent[token.Content] = token;
            ids.Add(token.Id);
        }

        foreach (var content in config.SpecialTokens)
            if (!byContent.ContainsKey(content) && model.Vocabulary.TryGetValue(content, out var id))
                byContent[content] = new AddedToken(id, content) { Special = true };

        return [.. byContent.Values.OrderBy(static token => token.Id)];

        bool IsNext(int id) => !ids.Contains(id) && (id == 0 || ids.Contains(id - 1));
    }
}
