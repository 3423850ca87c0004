using System.Collections.Immutable;
using System.Globalization;
using FalconMamba.Model;

namespace FalconMamba.Sessions;

/// <summary>A state as a store gives it back: with the tokens of its session, and strings beside them.</summary>
public sealed class StoredState : IDisposable
{
    /// <summary>The key of the ids among a saved state's strings: numbers with spaces between them.</summary>
    public const string IdsKey = "tokens.ids";

    /// <summary>Joins what was stored.</summary>
    /// <param name="state">The state; disposed with this.</param>
    /// <param name="ids">The session's tokens, of which the state has read the first ones.</param>
    /// <param name="notes">Strings to keep with them.</param>
    /// <exception cref="ArgumentException">The state has read more tokens than there are.</exception>
    public StoredState(RecurrentState state, ReadOnlyMemory<int> ids, IReadOnlyDictionary<string, string>? notes = null)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.TokenCount > ids.Length) throw new ArgumentException($"The state has read {state.TokenCount} tokens, {ids.Length} were given.", nameof(ids));
        (State, Ids, Notes) = (state, ids, notes ?? ImmutableDictionary<string, string>.Empty);
    }

    /// <summary>The state.</summary>
    public RecurrentState State { get; }

    /// <summary>The session's tokens, of which the state has read the first ones.</summary>
    public ReadOnlyMemory<int> Ids { get; }

    /// <summary>The strings beside them.</summary>
    public IReadOnlyDictionary<string, string> Notes { get; }

    /// <inheritdoc/>
    public void Dispose() => State.Dispose();

    /// <summary>A file's strings with the ids among them.</summary>
    internal Dictionary<string, string> AllNotes() => new(Notes) { [IdsKey] = string.Join(' ', Ids.ToArray()) };

    /// <summary>Takes apart what <see cref="AllNotes"/> joined.</summary>
    /// <exception cref="MalformedFileException">The ids are missing, no numbers, or fewer than the state has read.</exception>
    internal static StoredState FromNotes(RecurrentState state, IReadOnlyDictionary<string, string> notes, string path)
    {
        if (!notes.TryGetValue(IdsKey, out var text)) throw new MalformedFileException(path, "metadata", $"\"{IdsKey}\" was expected, there is none");
        var ids = new List<int>();
        foreach (var part in text.AsSpan().Split(' '))
        {
            if (text.AsSpan(part) is { IsEmpty: false } word)
                ids.Add(int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : throw new MalformedFileException(path, "metadata", $"\"{IdsKey}\" was expected to hold token ids"));
        }

        return state.TokenCount <= ids.Count
            ? new StoredState(state, ids.ToArray(), notes)
            : throw new MalformedFileException(path, "metadata", $"{state.TokenCount} ids or more were expected, \"{IdsKey}\" holds {ids.Count}");
    }
}
