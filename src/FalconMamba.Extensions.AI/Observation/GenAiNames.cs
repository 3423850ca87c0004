namespace FalconMamba.Extensions.AI.Observation;

/// <summary>The names of OpenTelemetry's conventions for generative models, which are still in development: all in one place.</summary>
internal static class GenAiNames
{
    public const string TokenUsage = "gen_ai.client.token.usage", OperationDuration = "gen_ai.client.operation.duration";
    public const string OperationName = "gen_ai.operation.name", ProviderName = "gen_ai.provider.name", TokenType = "gen_ai.token.type";
    public const string RequestModel = "gen_ai.request.model", ResponseModel = "gen_ai.response.model", ResponseId = "gen_ai.response.id";
    public const string FinishReasons = "gen_ai.response.finish_reasons", InputTokens = "gen_ai.usage.input_tokens", OutputTokens = "gen_ai.usage.output_tokens";
    public const string ErrorType = "error.type";
    public const string Chat = "chat", Embeddings = "embeddings", Input = "input", Output = "output";

    /// <summary>Who answers.</summary>
    public const string Provider = "falcon_mamba_net";
}
