namespace FalconMamba.Sessions;

/// <summary>A part of a session that it can be put back behind.</summary>
/// <param name="Role">Who wrote it, or what it is: a word.</param>
/// <param name="End">How many of the session's tokens it ends behind; it begins where the one before it ends.</param>
public readonly record struct SessionMessage(string Role, int End);
