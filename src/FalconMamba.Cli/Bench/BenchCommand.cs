using System.CommandLine;
using FalconMamba.Generation;

namespace FalconMamba.Cli.Bench;

/// <summary><c>bench</c>: measures a model on this machine, with llama-bench's flags and names.</summary>
internal static class BenchCommand
{
    private const int DefaultVerifications = 32;

    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var prompt = NumberList.Option("-p", ["--n-prompt"], 0, int.MaxValue, "Read N tokens.");
        var generated = NumberList.Option("-n", ["--n-gen"], 0, int.MaxValue, "Generate N tokens one by one.");
        var pairs = new Option<string[]>("-pg") { HelpName = "PP,TG", Description = "Read PP tokens, then generate TG; may be given several times." };
        var depth = NumberList.Option("-d", ["--n-depth"], 0, int.MaxValue, "Begin with a state that has seen N tokens.");
        var batch = NumberList.Option("-b", ["--batch-size"], 1, int.MaxValue, $"Hand over N tokens of a prompt in a call; by default {BenchPlan.DefaultBatch}.");
        var microBatch = NumberList.Prefill("-ub", ["--ubatch-size", "--prefill"], "Tokens of a prompt that go through the layers together: parallel (512, the default), sequential (token by token) or N.");
        var threads = NumberList.Option("-t", ["--threads"], 1, 4096, "Threads; by default one a physical core.");
        var repetitions = CommonOptions.Int32(1, 1000, null, "--repetitions", "-r").Describe("R", "Measure each test R times; by default 5, with --parallel or --streams once.");
        var noWarmUp = new Option<bool>("--no-warmup") { Description = "Time each test's first run too." };
        var format = new Option<string>("--output", "-o") { HelpName = string.Join('|', RowWriter.Formats), Description = "How results are written.", DefaultValueFactory = _ => "md" };
        format.AcceptOnlyFromAmong(RowWriter.Formats);
        var bandwidth = new Option<bool>("--bandwidth") { Description = "Measure how fast this machine reads memory and computes products too, and the shares that tests reach." };
        var parallel = NumberList.Option("--parallel", [], 1, Prefill.MostTokens, "Instead, run N sequences at once: each reads -p tokens, then all generate -n in step.");
        var verify = NumberList.Option("--verify", [], 1, 1 + GenerationOptions.MostDraftTokens, "Instead, compare verifications of N tokens, one and N − 1 guesses, with steps of one token; -n says how many, by default 32.");
        var accepted = NumberList.Option("--accepted", [], 0, GenerationOptions.MostDraftTokens, "With --verify: go back to the first N guesses; by default none is wrong.");
        var wrong = CommonOptions.Int32(2 * WrongGuessTest.Period, int.MaxValue, null, "--wrong")
            .Describe("N", "With --verify: instead, generate N tokens with guesses that are all wrong, in turn with N without guesses; those of --draft, by default some that take no time.");
        var streams = NumberList.Option("--streams", [], 1, 4096, "Instead, run N streams through the engine, which read -p and generate -n, beside the same sequences in step.");
        var beside = CommonOptions.Int32(1000, int.MaxValue, null, "--beside").Describe("N", "With --streams: read a prompt of N tokens while the streams run, and tell the longest gap between their tokens.");
        var flat = Position("--flat", "Instead, generate N tokens, and compare the time of a token at position N with that at position 1,000.");
        var flatPrompt = Position("--flat-prompt", "The same for a prompt of N tokens, which goes through the layers as --prefill says.");
        var csv = new Option<string?>("--csv") { HelpName = "FILE", Description = "With --flat or --flat-prompt: write time and memory along the way." };
        var chart = new Option<string?>("--chart") { HelpName = "FILE", Description = "With --flat or --flat-prompt: draw them, as .png or .svg." };
        var command = new Command("bench", "Measure a model's speed on this machine. Lists (1,2,4) and ranges (1-8*2) run every combination.")
        {
            model, prompt, generated, pairs, depth, batch, microBatch, threads, repetitions, noWarmUp, format, bandwidth, parallel, streams, beside, verify, accepted, wrong, flat, flatPrompt, csv, chart,
        };
        var assistants = new AssistantOption(command);
        var run = new RunOptions(command, hasLists: true);
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            Refuse(parse, streams, "runs the engine", parallel, flat, flatPrompt, pairs, depth, bandwidth);
            Refuse(parse, beside, "reads one prompt beside endless streams", prompt, generated, batch, repetitions, noWarmUp);
            if (parse.Has(beside) && !parse.Has(streams)) throw new UsageException("--beside goes with --streams.");
            Refuse(parse, parallel, "reads -p and generates -n", flat, flatPrompt, pairs, depth);
            Refuse(parse, verify, "times single tokens", parallel, streams, flat, flatPrompt, prompt, pairs, depth, batch, repetitions, bandwidth);
            var rounds = NumberList.Read(parse, generated, DefaultVerifications);
            if (parse.Has(verify) && rounds is not [> 0]) throw new UsageException("-n says how many verifications --verify times: give one number from 1.");
            if (parse.Has(accepted) && !parse.Has(verify)) throw new UsageException("--accepted goes with --verify.");
            Refuse(parse, wrong, "says how many tokens there are, of which none is accepted", accepted, generated);
            if (parse.Has(wrong) && (!parse.Has(verify) || NumberList.Read(parse, verify).Min() < 2)) throw new UsageException("--wrong goes with --verify, of at least 2 tokens: one of them is no guess.");
            if (assistants.IsGiven(parse) && !parse.Has(wrong)) throw new UsageException("--draft goes with --wrong.");
            Refuse(parse, flat, "is a run of its own", flatPrompt, prompt, generated, pairs, depth, batch, microBatch, repetitions, bandwidth);
            Refuse(parse, flatPrompt, "is a run of its own", prompt, generated, pairs, depth, batch, repetitions, bandwidth);
            var isFlat = parse.Has(flat) || parse.Has(flatPrompt);
            if (!isFlat && (parse.Has(csv) || parse.Has(chart))) throw new UsageException("--csv and --chart go with --flat or --flat-prompt.");
            var csvPath = parse.GetValue(csv) is { } c ? OutputFile.Check(c) : null;
            var chartPath = parse.GetValue(chart) is { } f ? FlatnessChart.Check(f) : null;
            var path = CommonOptions.Locate(parse, model);
            var plan = new BenchPlan(terminal, path, run.Read(parse))
            {
                Batches = NumberList.Read(parse, batch, BenchPlan.DefaultBatch),
                MicroBatches = NumberList.ReadPrefill(parse, microBatch),
                Threads = NumberList.Read(parse, threads, 0),
                Repetitions = parse.Has(repetitions) ? parse.GetValue(repetitions) : parse.Has(parallel) || parse.Has(streams) ? 1 : 5,
                WarmUp = !parse.GetValue(noWarmUp),
                MeasuresLimits = parse.GetValue(bandwidth),
                Format = parse.GetValue(format)!,
            };

            // As in llama-bench, what is not named runs with its default, and 0 leaves it out.
            var (prompts, generations) = (NumberList.Read(parse, prompt, 512), NumberList.Read(parse, generated, 128));
            if (isFlat) plan.RunFlat(parse.GetValue(parse.Has(flat) ? flat : flatPrompt), parse.Has(flatPrompt), csvPath, chartPath, cancellationToken);
            else if (parse.Has(wrong))
                plan.RunWrong(NumberList.Read(parse, verify), parse.GetValue(wrong), options => assistants.Load(terminal, parse, options, cancellationToken), cancellationToken);
            else if (parse.Has(verify)) plan.RunVerify(NumberList.Read(parse, verify), parse.Has(accepted) ? NumberList.Read(parse, accepted) : null, rounds[0], cancellationToken);
            else if (parse.Has(beside)) plan.RunGaps(parse.GetValue(beside), NumberList.Read(parse, streams), cancellationToken);
            else if (parse.Has(streams)) plan.RunStreams(prompts, generations, NumberList.Read(parse, streams), cancellationToken);
            else if (parse.Has(parallel)) plan.RunParallel(prompts, generations, NumberList.Read(parse, parallel), cancellationToken);
            else plan.RunTests(Works(prompts, generations, parse.GetValue(pairs) ?? []), NumberList.Read(parse, depth, 0), cancellationToken);
        });
        return command;
    }

    private static Option<int> Position(string name, string description) =>
        CommonOptions.Int32(2 * FlatnessRun.EarlyPosition, int.MaxValue, null, name).Describe("N", description);

    private static void Refuse(ParseResult parse, Option option, string reason, params Option[] others)
    {
        if (parse.Has(option) && others.FirstOrDefault(parse.Has) is { } other)
            throw new UsageException($"{option.Name} {reason}, {other.Name} does not go with it.");
    }

    private static List<(int Prompt, int Generated)> Works(int[] prompts, int[] generations, string[] pairs)
    {
        var works = new List<(int, int)>();
        works.AddRange(prompts.Where(n => n > 0).Select(n => (n, 0)));
        works.AddRange(generations.Where(n => n > 0).Select(n => (0, n)));
        foreach (var pair in pairs)
        {
            works.Add(NumberList.Parse(pair, 0) is [var pp, var tg] && pp + tg > 0
                ? (pp, tg)
                : throw new UsageException($"-pg takes two numbers such as 512,128, \"{pair}\" was given."));
        }

        return works.Count > 0 ? works : throw new UsageException("There is nothing to measure: -p and -n are both 0.");
    }
}
