using Microsoft.Extensions.AI;

namespace FalconMamba.Samples.Worker;

/// <summary>
/// Answers each NAME.txt of a folder in NAME.answer. The folder is the queue: what has no answer waits, so nothing is lost when
/// the worker stops, and what was half answered is answered anew at its next start.
/// </summary>
internal sealed partial class PromptFolder(IChatClient client, IConfiguration configuration, IHostApplicationLifetime lifetime, ILogger<PromptFolder> logger) : BackgroundService
{
    private readonly string _folder = configuration["folder"] ?? "prompts";
    private readonly bool _once = configuration.GetValue("once", false);
    private readonly ChatOptions _options = new() { MaxOutputTokens = configuration.GetValue("tokens", 100), Temperature = 0.7f, Seed = 1 };

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        do
        {
            foreach (var prompt in Directory.CreateDirectory(_folder).EnumerateFiles("*.txt").OrderBy(file => file.LastWriteTimeUtc).Select(file => file.FullName))
                if (!File.Exists(Path.ChangeExtension(prompt, ".answer"))) await AnswerAsync(prompt, stoppingToken);
        }
        while (!_once && await timer.WaitForNextTickAsync(stoppingToken));
        lifetime.StopApplication();
    }

    private async Task AnswerAsync(string prompt, CancellationToken stoppingToken)
    {
        var (answer, partial) = (Path.ChangeExtension(prompt, ".answer"), Path.ChangeExtension(prompt, ".partial"));
        Begun(prompt);
        try
        {
            await using (var writer = File.CreateText(partial))
                await foreach (var update in client.GetStreamingResponseAsync(await File.ReadAllTextAsync(prompt, stoppingToken), _options, stoppingToken))
                    await writer.WriteAsync(update.Text);
            // Who watches the folder never sees half an answer.
            File.Move(partial, answer);
            Answered(answer);
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            // One prompt's fault is not the next one's.
            File.Move(prompt, Path.ChangeExtension(prompt, ".failed"), overwrite: true);
            Failed(e, prompt);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    [LoggerMessage(LogLevel.Information, "Answering {Prompt}.")]
    private partial void Begun(string prompt);

    [LoggerMessage(LogLevel.Information, "Wrote {Answer}.")]
    private partial void Answered(string answer);

    [LoggerMessage(LogLevel.Error, "{Prompt} cannot be answered.")]
    private partial void Failed(Exception exception, string prompt);
}
