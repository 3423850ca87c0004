using System.Diagnostics;
using System.Text;
using FalconMamba.Generation;
using FalconMamba.Model;

namespace FalconMamba.Cli.Chat;

/// <summary>A model in conversation: renders the messages, reads what is new of them and generates the answer.</summary>
internal sealed class ChatSession : IDisposable
{
    private readonly Terminal _terminal;
    private readonly FalconMambaModel _model;
    private readonly ConversationPast _past;
    private GenerationOptions? _options;
    private TextGenerator? _generator;

    /// <param name="terminal">Where progress is shown.</param>
    /// <param name="history">The messages.</param>
    /// <param name="model">The model that answers; disposed with the session.</param>
    public ChatSession(Terminal terminal, ChatHistory history, FalconMambaModel model)
    {
        (_terminal, History, _model) = (terminal, history, model);
        _past = new ConversationPast(model);
    }

    /// <summary>The messages so far.</summary>
    public ChatHistory History { get; }

    /// <summary>Answers a message. One that is stopped counts as far as it came; where nothing came, the message does not count.</summary>
    /// <param name="message">The message.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="emit">Told the pieces of the answer.</param>
    /// <param name="cancellationToken">Stops the answer.</param>
    public ChatReply Answer(string message, GenerationOptions options, Action<string> emit, CancellationToken cancellationToken)
    {
        History.Add("user", message);
        var text = new StringBuilder();
        var counts = false;
        try
        {
            var reply = Generate(options, text, emit, cancellationToken);
            counts = reply.Counts;
            return reply;
        }
        finally
        {
            if (counts) History.Add("assistant", text.ToString());
            else History.RemoveLast();
        }
    }

    /// <summary>Takes the last question and its answer back, and goes back to the state before them.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Undo()
    {
        if (!History.Undo()) return false;
        if (History.Encode() is { } ids) _past.RewindTo(ids);
        return true;
    }

    /// <summary>What the conversation takes.</summary>
    public IEnumerable<string> Describe()
    {
        yield return $"conversation: {History.Count} messages, {_past.Count} tokens in the state{(History.System is { } system ? $", system message: {system}" : "")}";
        yield return $"state: {Units.Bytes(_past.State.ByteLength)}, whatever its length; kept from the ends of messages: {_past.KeptCount} ({Units.Bytes(_past.KeptBytes)})";
        yield return $"memory: {ResidentMemory.Now()}";
    }

    public void Dispose()
    {
        _generator?.Dispose();
        _past.Dispose();
        _model.Dispose();
    }

    private ChatReply Generate(GenerationOptions options, StringBuilder text, Action<string> emit, CancellationToken cancellationToken)
    {
        var ids = History.Tokenizer.Encode(History.Render());
        var generator = GeneratorFor(options);
        _past.RewindTo(ids);
        var timings = new GenerationTimings { PromptTokens = ids.Length - _past.Count, PrefillChunkSize = _model.PrefillChunkSize, StateBytes = _past.State.ByteLength };
        var isStopped = false;
        TokenHistory? history = null;
        var start = Stopwatch.GetTimestamp();
        using var reading = new ReadingProgress(_terminal, timings.PromptTokens);
        try
        {
            foreach (var end in History.Ends(ids, _past.Count))
            {
                var count = end - _past.Count;
                _past.Read(ids, end, reading, cancellationToken);
                reading.Add(count);
                _past.Keep();
            }

            history = new TokenHistory(ids.AsSpan(0, _past.Count));
            foreach (var piece in generator.Generate(_past.State, ids.AsMemory(_past.Count), history, progress: reading, cancellationToken: cancellationToken))
            {
                text.Append(piece);
                emit(piece);
            }
        }
        catch (OperationCanceledException)
        {
            isStopped = true;
        }
        finally
        {
            _past.Follow(history is null ? ids : history.Ids);
        }

        timings.PromptSeconds = reading.Seconds;
        // What was stopped before the answer began has none: the generator still holds the one before.
        var answer = history is null ? null : generator;
        timings.GeneratedTokens = answer?.Ids.Count ?? 0;
        timings.GenerationSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds - timings.PromptSeconds;
        if (options.AssistantModel is not null || options.PromptLookupNumTokens is not null) timings.Speculation = answer?.Speculation ?? default;
        timings.PeakBytes = ResidentMemory.Now().Peak;
        return new ChatReply
        {
            Text = text.ToString(),
            Ids = answer?.Ids ?? [],
            Details = answer?.Details ?? [],
            FinishReason = answer?.FinishReason ?? FinishReason.None,
            IsStopped = isStopped,
            ConversationTokens = ids.Length,
            Timings = timings,
        };
    }

    // With the options of the answer before, an assistant goes on from where it is.
    private TextGenerator GeneratorFor(GenerationOptions options)
    {
        if (_generator is not null && ReferenceEquals(options, _options)) return _generator;
        var generator = new TextGenerator(_model, History.Tokenizer, options);
        _generator?.Dispose();
        (_generator, _options) = (generator, options);
        return generator;
    }

    /// <summary>A bar over several reads, which knows how long they took.</summary>
    private sealed class ReadingProgress(Terminal terminal, int total) : IProgress<int>, IDisposable
    {
        private readonly ProgressBar _bar = new(terminal, "reading", total, Units.Digits);
        private readonly long _start = Stopwatch.GetTimestamp();
        private int _read;

        public double Seconds { get; private set; }

        public void Add(int count) => _read += count;

        public void Report(int value)
        {
            _bar.Report(_read + value);
            Seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
            if (_read + value == total) _bar.Dispose();
        }

        public void Dispose() => _bar.Dispose();
    }
}
