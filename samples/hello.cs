#:project ../src/FalconMamba

using var pipe = FalconMamba.Pipeline.TextGeneration("shakespeare-4m");
foreach (var piece in pipe.Stream("ROMEO:")) Console.Write(piece);
Console.WriteLine();
