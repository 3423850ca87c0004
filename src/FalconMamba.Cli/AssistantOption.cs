using System.CommandLine;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary>The option of verbs that generate: a small model that guesses ahead.</summary>
internal sealed class AssistantOption
{
    private readonly Option<string?> _model = new("--assistant-model", "--draft")
    {
        HelpName = "MODEL",
        Description = "Let a small model with the same vocabulary guess ahead; the text is as likely as without it, and the likeliest one the same.",
    };

    /// <param name="command">The verb that gets the option.</param>
    public AssistantOption(Command command) => command.Add(_model);

    /// <summary>Whether a model is named.</summary>
    public bool IsGiven(ParseResult parse) => parse.Has(_model);

    /// <summary>Loads the model, with its tokenizer where it has one; null where none is named.</summary>
    /// <param name="terminal">Where to show how far it is.</param>
    /// <param name="parse">The command line.</param>
    /// <param name="options">How the large model runs.</param>
    /// <param name="cancellationToken">Looked at while files are read.</param>
    public PretrainedModel? Load(Terminal terminal, ParseResult parse, ModelOptions options, CancellationToken cancellationToken)
    {
        if (parse.GetValue(_model) is not { } name) return null;
        var path = CommonOptions.Locate(name);
        return new PretrainedModel(ModelLoading.Load(terminal, path, options with { MixerRmsEps = null }, cancellationToken), path);
    }
}
