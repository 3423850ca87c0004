using System.Globalization;
using FalconMamba.Fuzz;

// Feeds damaged files to every reader: dotnet run --project tests/FalconMamba.Fuzz -c Release -- --seconds 60 --seed 1
var options = new FuzzOptions();
for (var i = 0; i < args.Length; i++)
{
    var value = i + 1 < args.Length ? args[i + 1] : null;
    switch (args[i])
    {
        case "--seconds" when double.TryParse(value, CultureInfo.InvariantCulture, out var seconds): options = options with { Seconds = seconds }; break;
        case "--inputs" when long.TryParse(value, CultureInfo.InvariantCulture, out var inputs): options = options with { Inputs = inputs }; break;
        case "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out var seed): options = options with { Seed = seed }; break;
        case "--only" when long.TryParse(value, CultureInfo.InvariantCulture, out var only): options = options with { Only = only }; break;
        case "--reader" when value is not null: options = options with { Reader = value }; break;
        case "--fixtures" when value is not null: options = options with { Fixtures = value }; break;
        default:
            Console.Error.WriteLine("usage: [--seconds N] [--inputs N] [--seed N] [--reader NAME] [--fixtures FOLDER] [--only INPUT]");
            return 2;
    }

    i++;
}

return new FuzzRun(options).Run();
