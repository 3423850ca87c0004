using System.Diagnostics.Metrics;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace FalconMamba.Extensions.AI.Tests;

/// <summary>An engine over the model that ships, with a watched model.</summary>
internal sealed class TestEngine : IDisposable
{
    public const string Name = "shakespeare-4m";

    // Hermes' way to call functions, as short as it can be.
    private const string ToolTemplate =
        """
        {%- if tools %}<|im_start|>system
        Call functions as <tool_call>{"name": "...", "arguments": {}}</tool_call>: {{ tools | tojson }}<|im_end|>
        {% endif %}
        {%- for message in messages %}<|im_start|>{{ message.role }}
        {{ message.content }}{% for call in message.tool_calls %}<tool_call>{{ call.function | tojson }}</tool_call>{% endfor %}<|im_end|>
        {% endfor %}
        {%- if add_generation_prompt %}<|im_start|>assistant
        {% endif %}
        """;

    public TestEngine(FalconMambaOptions? options = null, bool withTools = false, ILoggerFactory? loggers = null, IMeterFactory? meters = null)
    {
        options ??= new FalconMambaOptions();
        options.Model = Folder;
        Model = new ScriptedModel(FalconMambaModel.Load(Folder, new ModelOptions { PrefillChunkSize = options.PrefillChunkSize, Deterministic = options.Deterministic }));
        Engine = new FalconMambaEngine(Model, withTools ? TokenizerWith(ToolTemplate) : Tokenizer.FromFolder(Folder), options, GenerationConfig.FromFolder(Folder), loggers, meters);
        Client = new FalconMambaChatClient(Engine);
    }

    public static string Folder { get; } = Path.Combine(FixtureFolder.Repository, "models", Name);

    public ScriptedModel Model { get; }

    public FalconMambaEngine Engine { get; }

    public FalconMambaChatClient Client { get; }

    public Tokenizer Tokenizer => Engine.Tokenizer;

    public static ChatMessage[] Say(string text) => [new(ChatRole.User, text)];

    /// <summary>Makes the model say a text, and then end it.</summary>
    public void WillSay(string text)
    {
        Model.Script = [];
        ThenSay(text);
    }

    /// <summary>Makes the model say a text when it is asked again, and then end it.</summary>
    public void ThenSay(string text)
    {
        foreach (var id in (int[])[.. Tokenizer.Encode(text), Model.Config.EosTokenIds[0]]) Model.Script!.Enqueue(id);
    }

    /// <summary>The ids of a conversation.</summary>
    public int[] Prompt(string text) => Tokenizer.Encode(Tokenizer.ApplyChatTemplate(
        [new ChatTemplates.ChatMessage("user", text)], new ChatTemplates.ChatTemplateOptions { AddGenerationPrompt = true }));

    public void Dispose()
    {
        Client.Dispose();
        Engine.Dispose();
    }

    /// <summary>The model's tokenizer with another chat template.</summary>
    public static Tokenizer TokenizerWith(string template)
    {
        using var folder = new TemporaryFolder();
        foreach (var file in (string[])["tokenizer.json", "tokenizer_config.json"]) File.Copy(Path.Combine(Folder, file), folder[file]);
        File.WriteAllText(folder["chat_template.jinja"], template);
        return Tokenizer.FromFolder(folder.Root);
    }
}
