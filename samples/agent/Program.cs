using FalconMamba.Extensions.AI;
using FalconMamba.Samples.Agent;
using Microsoft.Extensions.AI;

var model = args.ElementAtOrDefault(0) ?? "shakespeare-4m";
var question = args.ElementAtOrDefault(1) ?? "How many copies of Hamlet are there, and what do three of them cost?";

using var client = FalconMambaChatClient.Load(model);
// This decorator is the agent: it carries out the calls of an answer, adds the results to the conversation, and asks again.
using var agent = client.AsBuilder().UseFunctionInvocation(configure: calls => calls.MaximumIterationsPerRequest = 5).Build();

try
{
    await foreach (var update in agent.GetStreamingResponseAsync(question, new ChatOptions { Tools = [.. Bookshop.Tools] }))
    {
        foreach (var content in update.Contents)
        {
            if (content is FunctionCallContent call) Console.Error.WriteLine($"[{call.Name}({string.Join(", ", call.Arguments?.Values ?? [])})]");
            else if (content is FunctionResultContent result) Console.Error.WriteLine($"[= {result.Result}]");
            else Console.Write(content);
        }
    }

    Console.WriteLine();
    return 0;
}
catch (UnsupportedOptionException e)
{
    // The template of the model that ships has no place for tools, and so has that of Falcon Mamba's own instruct model.
    Console.Error.WriteLine(e.Message);
    return 1;
}
