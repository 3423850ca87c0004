namespace FalconMamba.Engine;

/// <summary>What an engine does at the moment, and has done so far.</summary>
/// <param name="Running">The requests that run.</param>
/// <param name="Waiting">The requests that wait.</param>
/// <param name="Steps">Forward passes.</param>
/// <param name="PromptTokens">Tokens of prompts that were read; kept ones are not among them.</param>
/// <param name="GeneratedTokens">Tokens that were chosen.</param>
public readonly record struct BatchEngineStatistics(int Running, int Waiting, long Steps, long PromptTokens, long GeneratedTokens);
