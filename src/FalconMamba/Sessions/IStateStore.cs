using FalconMamba.Model;

namespace FalconMamba.Sessions;

/// <summary>
/// Where states are kept beyond a process or beyond its memory: a folder, memory, or another machine. Safe for any number of
/// threads.
/// </summary>
public interface IStateStore
{
    /// <summary>The states that are there, by name and position, the newest state of a name first.</summary>
    /// <param name="name">The name whose states are wanted; null for those of all names.</param>
    /// <exception cref="IOException">The store cannot be read.</exception>
    IReadOnlyList<StateEntry> List(string? name = null);

    /// <summary>Reads a state.</summary>
    /// <param name="key">Which.</param>
    /// <param name="model">The model it belongs to.</param>
    /// <returns>The state, which is the caller's; null where there is none.</returns>
    /// <exception cref="StateMismatchException">It is another model's.</exception>
    /// <exception cref="IOException">It cannot be read, or what is there is no state.</exception>
    StoredState? Read(StateKey key, IModelRunner model);

    /// <summary>Reads the strings beside a state, which takes no model.</summary>
    /// <param name="key">Which.</param>
    /// <returns>The strings, the ids among them; null where there is no such state.</returns>
    /// <exception cref="IOException">They cannot be read.</exception>
    IReadOnlyDictionary<string, string>? ReadNotes(StateKey key);

    /// <summary>Writes a state. Who reads meanwhile gets the old one or the new one, never a part.</summary>
    /// <param name="key">What it is to be known by; an older state of this key is replaced.</param>
    /// <param name="state">The state, which stays the caller's.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    void Write(StateKey key, StoredState state);

    /// <summary>Deletes a state.</summary>
    /// <returns>Whether it was there.</returns>
    /// <exception cref="IOException">It cannot be deleted.</exception>
    bool Delete(StateKey key);

    /// <summary>Claims a name, so that two do not write one session at once.</summary>
    /// <param name="name">The name.</param>
    /// <returns>Gives the name back when disposed; null where somebody else has it.</returns>
    IDisposable? TryLock(string name);
}
