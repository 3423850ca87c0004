using System.Collections.Immutable;
using System.Globalization;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;

namespace FalconMamba.Model;

/// <summary>
/// States as safetensors files: <c>state.{i}.conv</c> [K−1, D], <c>state.{i}.ssm</c> [D, N] and <c>last_hidden</c> [H], all
/// float32, with the model's fingerprint and the token count as metadata.
/// </summary>
public static class StateFile
{
    /// <summary>The key of the number of tokens among a file's strings.</summary>
    public const string TokenCountKey = "token_count";

    private const string FormatKey = "format", FormatName = "falcon-mamba-state", FingerprintKey = "fingerprint";

    /// <summary>Reads a state.</summary>
    /// <param name="path">A file that <see cref="RecurrentState.Save"/> wrote.</param>
    /// <param name="model">The model it belongs to.</param>
    /// <param name="notes">The strings that were kept with the state.</param>
    /// <exception cref="MalformedFileException">The file is no state, or its tensors do not fit.</exception>
    /// <exception cref="StateMismatchException">The state is another model's.</exception>
    public static RecurrentState Read(string path, IModelRunner model, out IReadOnlyDictionary<string, string> notes)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var file = SafetensorsFile.Open(path);
        if (!file.Metadata.TryGetValue(FormatKey, out var format) || format != FormatName)
            throw new MalformedFileException(path, "metadata", $"\"{FormatKey}\": \"{FormatName}\" was expected, so this is no saved state");
        if (!file.Metadata.TryGetValue(FingerprintKey, out var fingerprint))
            throw new MalformedFileException(path, "metadata", $"\"{FingerprintKey}\" was expected, there is none");
        StateMismatchException.ThrowIfDifferent(model.Fingerprint, fingerprint);
        if (!file.Metadata.TryGetValue(TokenCountKey, out var text)
            || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var tokenCount))
            throw new MalformedFileException(path, "metadata", $"\"{TokenCountKey}\" was expected to be a number of tokens");

        var config = model.Config;
        var state = model.CreateState();
        try
        {
            long d = config.IntermediateSize, n = config.StateSize, window = config.ConvKernel - 1;
            for (var i = 0; i < config.NumHiddenLayers; i++)
            {
                state.CopyConvolutionFrom(i, Values($"state.{i}.conv", window, d));
                state.CopyScanFrom(i, Values($"state.{i}.ssm", d, n));
            }

            Values("last_hidden", config.HiddenSize).CopyTo(state.LastHiddenRow);
            state.TokenCount = tokenCount;
        }
        catch
        {
            state.Dispose();
            throw;
        }

        notes = file.Metadata;
        return state;

        float[] Values(string name, params ReadOnlySpan<long> shape)
        {
            if (!file.Tensors.TryGetValue(name, out var tensor) || tensor.Type != TensorType.F32 || !tensor.Shape.AsSpan().SequenceEqual(shape))
                throw new MalformedFileException(path, $"tensor {name}", $"float32 numbers of shape [{string.Join(", ", shape.ToArray())}] were expected");
            return tensor.ToSingle();
        }
    }

    /// <summary>Whether a string of a file is the format's own and no note.</summary>
    internal static bool IsOwn(string key) => key is FormatKey or FingerprintKey or TokenCountKey;

    internal static void Write(string path, RecurrentState state, FalconMambaConfig config, IReadOnlyDictionary<string, string>? notes)
    {
        long d = config.IntermediateSize, n = config.StateSize, window = config.ConvKernel - 1;
        var entries = new List<TensorEntry>();
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            var layer = i;
            entries.Add(Entry($"state.{i}.conv", values => state.CopyConvolutionTo(layer, values), window, d));
            entries.Add(Entry($"state.{i}.ssm", values => state.CopyScanTo(layer, values), d, n));
        }

        entries.Add(Entry("last_hidden", values => state.LastHidden.CopyTo(values), config.HiddenSize));
        var metadata = new Dictionary<string, string>(notes ?? ImmutableDictionary<string, string>.Empty)
        {
            [FormatKey] = FormatName,
            [FingerprintKey] = state.Fingerprint,
            [TokenCountKey] = state.TokenCount.ToString(CultureInfo.InvariantCulture),
        };
        SafetensorsWriter.Write(path, entries, metadata);
    }

    private static TensorEntry Entry(string name, Action<float[]> fill, params ImmutableArray<long> shape) =>
        new(name, TensorType.F32, shape, stream =>
        {
            var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
            fill(values);
            stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
        });
}
