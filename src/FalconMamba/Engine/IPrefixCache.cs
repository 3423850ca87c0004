using FalconMamba.Model;

namespace FalconMamba.Engine;

/// <summary>
/// Keeps states of prompts, so that who comes with the same beginning need not read it again. Safe for any number of threads: an
/// engine looks for states on other threads than its own, several at once, while its streams go on. The rest it calls between two
/// steps: what takes long there holds all streams up. An exception ends the request it came for.
/// </summary>
public interface IPrefixCache
{
    /// <summary>Looks for the longest beginning of a prompt that is kept.</summary>
    /// <param name="owner">Whose prompt it is: what was kept for one owner is found for no other; null for who names none.</param>
    /// <param name="ids">The prompt.</param>
    /// <param name="into">A state without a past; takes the kept state's content.</param>
    /// <returns>The length of the beginning, which is then the state's <see cref="RecurrentState.TokenCount"/>; 0 for none.</returns>
    int Find(string? owner, ReadOnlySpan<int> ids, RecurrentState into);

    /// <summary>
    /// Offers a state: at the end of a prompt, at the end of an answer that was not cancelled, and inside a prompt where
    /// <see cref="NextKept"/> says.
    /// </summary>
    /// <param name="owner">Whose it is.</param>
    /// <param name="ids">All tokens that the state has seen.</param>
    /// <param name="state">The state, which moves on afterwards: keep a fork.</param>
    /// <param name="isInside">Whether more of the prompt follows.</param>
    void Keep(string? owner, ReadOnlySpan<int> ids, RecurrentState state, bool isInside);

    /// <summary>Where inside a prompt a state is wanted next; the engine cuts the prompt there.</summary>
    /// <param name="position">How many tokens of the sequence are read.</param>
    /// <param name="length">How many it will have at the end of the prompt, where its state is offered in any case.</param>
    /// <returns>A position behind the present one; the length or more for none.</returns>
    int NextKept(int position, int length) => length;
}
