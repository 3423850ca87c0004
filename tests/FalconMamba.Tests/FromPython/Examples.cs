using FalconMamba.ChatTemplates;

namespace FalconMamba.Tests.FromPython;

/// <summary>The C# of docs/from-python.md: each method's body is a block of the page, in this order.</summary>
internal static class Examples
{
    public static void Announcement()
    {
        var modelId = "tiiuae/falcon-mamba-7b";
        var tokenizer = AutoTokenizer.FromPretrained(modelId);
        using var model = AutoModelForCausalLM.FromPretrained(modelId, new() { Dtype = Dtype.Auto, DeviceMap = "auto" });

        var inputs = tokenizer.Encode("Hello world, today");
        var output = model.Generate(inputs, new() { MaxNewTokens = 100, DoSample = true });
        Console.WriteLine(tokenizer.Decode(output[0], skipSpecialTokens: true));
    }

    public static void AnnouncementIn4Bits()
    {
        var modelId = "tiiuae/falcon-mamba-7b-instruct-Q4_K_M-GGUF";
        var tokenizer = AutoTokenizer.FromPretrained(modelId);
        using var model = AutoModelForCausalLM.FromPretrained(modelId);

        var inputs = tokenizer.Encode("Hello world, today");
        var output = model.Generate(inputs, new() { MaxNewTokens = 100, DoSample = true });
        Console.WriteLine(tokenizer.Decode(output[0], skipSpecialTokens: true));
    }

    public static void Processor()
    {
        var tokenizer = AutoTokenizer.FromPretrained("tiiuae/falcon-mamba-7b");
        using var model = AutoModelForCausalLM.FromPretrained("tiiuae/falcon-mamba-7b");

        var inputText = "Question: How many hours in one day? Answer: ";
        var inputIds = tokenizer.Encode(inputText);

        var outputs = model.Generate(inputIds);
        Console.WriteLine(tokenizer.Decode(outputs[0]));
    }

    public static void BestDevice()
    {
        var tokenizer = AutoTokenizer.FromPretrained("tiiuae/falcon-mamba-7b");
        using var model = AutoModelForCausalLM.FromPretrained("tiiuae/falcon-mamba-7b", new() { DeviceMap = "auto" });

        var inputText = "Question: How many hours in one day? Answer: ";
        var inputIds = tokenizer.Encode(inputText);

        var outputs = model.Generate(inputIds);
        Console.WriteLine(tokenizer.Decode(outputs[0]));
    }

    public static void Compilation()
    {
        var tokenizer = AutoTokenizer.FromPretrained("tiiuae/falcon-mamba-7b");
        using var model = AutoModelForCausalLM.FromPretrained("tiiuae/falcon-mamba-7b", new() { Dtype = Dtype.BFloat16 });
        var plan = model.Compile();
        Console.Error.WriteLine(plan.IsEmitted ? "kernels are emitted" : $"nothing to emit: {plan.Reason}");

        var inputText = "Question: How many hours in one day? Answer: ";
        var inputIds = tokenizer.Encode(inputText);

        var outputs = model.Generate(inputIds);
        Console.WriteLine(tokenizer.Decode(outputs[0]));
    }

    public static void HalfPrecision()
    {
        var tokenizer = AutoTokenizer.FromPretrained("tiiuae/falcon-mamba-7b");
        using var model = AutoModelForCausalLM.FromPretrained("tiiuae/falcon-mamba-7b", new() { DeviceMap = "auto", Dtype = Dtype.Float16 });

        var inputText = "Question: How many hours in one day? Answer: ";
        var inputIds = tokenizer.Encode(inputText);

        var outputs = model.Generate(inputIds);
        Console.WriteLine(tokenizer.Decode(outputs[0]));
    }

    public static void FourBits()
    {
        var tokenizer = AutoTokenizer.FromPretrained("tiiuae/falcon-mamba-7b-instruct-Q4_K_M-GGUF");
        using var model = AutoModelForCausalLM.FromPretrained("tiiuae/falcon-mamba-7b-instruct-Q4_K_M-GGUF", new() { DeviceMap = "auto" });

        var inputText = "Question: How many hours in one day? Answer: ";
        var inputIds = tokenizer.Encode(inputText);

        var outputs = model.Generate(inputIds);
        Console.WriteLine(tokenizer.Decode(outputs[0]));
    }

    public static void Dequantisation()
    {
        using var model = AutoModelForCausalLM.FromPretrained("tiiuae/falcon-mamba-7b-instruct-Q4_K_M-GGUF", new() { Dtype = Dtype.BFloat16 });
        Console.WriteLine(model.Runner.Weights.LmHead.Type);
    }

    public static void Chat()
    {
        var tokenizer = AutoTokenizer.FromPretrained("tiiuae/falcon-mamba-7b-instruct");
        using var model = AutoModelForCausalLM.FromPretrained("tiiuae/falcon-mamba-7b-instruct", new() { Dtype = Dtype.Auto, DeviceMap = "auto" });

        ChatMessage[] messages =
        [
            new("user", "How many helicopters can a human eat in one sitting?"),
        ];
        var inputText = tokenizer.ApplyChatTemplate(messages, new() { AddGenerationPrompt = true });
        var inputIds = tokenizer.Encode(inputText);

        var outputs = model.Generate(inputIds, new() { MaxNewTokens = 30 });
        Console.WriteLine(tokenizer.Decode(outputs[0]));
    }

    public static void TextGeneration()
    {
        using var pipe = Pipeline.TextGeneration("tiiuae/falcon-mamba-7b-instruct", new() { Dtype = Dtype.BFloat16 });
        var results = pipe.Generate("Explain the difference between transformers and SSMs", new() { MaxLength = 100, DoSample = true, Temperature = 0.7 });
        Console.WriteLine(results[0].GeneratedText);
    }

    public static void Conversation()
    {
        using var pipe = Pipeline.TextGeneration("tiiuae/falcon-mamba-7b-instruct");
        ChatMessage[] messages = [new("user", "How many helicopters can a human eat in one sitting?")];
        var result = pipe.Generate(messages, new() { MaxNewTokens = 30 })[0];
        Console.WriteLine(result.Messages[^1].Content);
    }

    public static void Streaming()
    {
        var tokenizer = AutoTokenizer.FromPretrained("tiiuae/falcon-mamba-7b-instruct");
        using var model = AutoModelForCausalLM.FromPretrained("tiiuae/falcon-mamba-7b-instruct");
        var inputs = tokenizer.Encode("An increasing sequence: one,");
        foreach (var piece in tokenizer.Stream(model.GenerateStream(inputs, new() { MaxNewTokens = 20 }))) Console.Write(piece);
    }

    public static void GgufFile()
    {
        using var pipe = Pipeline.TextGeneration("tiiuae/falcon-mamba-7b-instruct-Q4_K_M-GGUF/falcon-mamba-7B-instruct-Q4_K_M.gguf");
        foreach (var piece in pipe.Stream("Hello how are you?")) Console.Write(piece);
    }
}
