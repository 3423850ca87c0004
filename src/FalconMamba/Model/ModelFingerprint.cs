using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FalconMamba.Model;

/// <summary>
/// Identifies a model by its shape, its tensor table and 4 KB of each tensor: hashing all weights would take longer than
/// loading them.
/// </summary>
internal static class ModelFingerprint
{
    private const int SampleBytes = 1024, Samples = 4;

    /// <summary>Thirty-two hexadecimal digits.</summary>
    public static string Of(FalconMambaConfig config, ModelWeights weights)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(string.Create(
            CultureInfo.InvariantCulture,
            $"{config.NormalizesDtBC} {config.LayerNormEpsilon:R} {config.MixerRmsEps:R} {config.TieWordEmbeddings} {config.ConvKernel} {config.StateSize}"));
        foreach (var tensor in weights.Tensors)
        {
            Append(tensor.ToString());
            for (var i = 0; i < Samples; i++)
            {
                var length = (int)Math.Min(SampleBytes, tensor.ByteLength);
                hash.AppendData(tensor.Slice((tensor.ByteLength - length) / (Samples - 1) * i, length));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));

        void Append(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + "\n"));
    }
}
