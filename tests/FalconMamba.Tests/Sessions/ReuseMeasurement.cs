using System.Diagnostics;
using FalconMamba.Formats;
using FalconMamba.Model;
using FalconMamba.Sessions;

namespace FalconMamba.Tests.Sessions;

/// <summary>What reuse saves in time on a model of the published 130m's sizes: a minute and more, so only when it is asked for.</summary>
public class ReuseMeasurement
{
    private const int DocumentTokens = 20_000, QuestionTokens = 24;

    [Fact(Explicit = true)]
    public void Seconds_until_the_first_token_of_an_answer()
    {
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(folder.Root, ModelShapes.Config("130m"), TensorType.BF16);
        using var model = FalconMambaModel.Load(folder.Root);
        model.Compile();
        using var tree = new PrefixTree(model);
        using var state = model.CreateState();
        var reader = new PromptReader(model, tree);
        var logits = new float[model.Config.VocabSize];
        var document = SessionModels.Ids(DocumentTokens, 1, model.Config.VocabSize);
        var edited = document.ToArray();
        edited[DocumentTokens * 9 / 10] ^= 1;

        var first = Ask("first question", "a", document, 2);
        var second = Ask("second question", "a", document, 3);
        Ask("the same question again", "a", document, 3);
        Ask("a question after an edit at 90 %", "a", edited, 3);
        Ask("another owner's first question", "b", document, 2);
        FixtureFolder.Report($"second / first: {second / first:P2}; kept: {tree.Statistics.MemoryStates} states, {tree.Statistics.MemoryBytes / 1e6:F0} MB");

        double Ask(string what, string owner, int[] text, int seed)
        {
            int[] prompt = [.. text, .. SessionModels.Ids(QuestionTokens, seed, model.Config.VocabSize)];
            var start = Stopwatch.GetTimestamp();
            var hit = reader.Read(owner, prompt, state, [text.Length]);
            model.Forward([new Chunk(state, ReadOnlyMemory<int>.Empty)], logits);
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            FixtureFolder.Report($"{what}: {seconds:F4} s, {hit} of {prompt.Length} tokens kept");
            return seconds;
        }
    }
}
