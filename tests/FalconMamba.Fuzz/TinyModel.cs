using FalconMamba.Formats;
using FalconMamba.Tests.Formats.Gguf;

namespace FalconMamba.Fuzz;

/// <summary>The smallest whole model in a GGUF file, tokenizer included: small enough to be damaged many thousand times a minute.</summary>
internal static class TinyModel
{
    /// <summary>One layer and a vocabulary of 260; matrices in float32, or in block formats where their rows allow it.</summary>
    public static byte[] Gguf(bool quantized)
    {
        int width = quantized ? 256 : 8, inner = quantized ? 32 : 8;
        var random = new Random(1);
        var tokens = Enumerable.Range(0, 256).Select(ByteLetter).Append("ab").Append("<s>").Append("</s>").Append("##").ToArray();
        var builder = new GgufBuilder()
            .Add("general.architecture", "mamba").Add("mamba.embedding_length", width).Add("mamba.block_count", 1).Add("mamba.ssm.conv_kernel", 4)
            .Add("mamba.ssm.inner_size", inner).Add("mamba.ssm.state_size", 2).Add("mamba.ssm.time_step_rank", 4)
            .Add("mamba.attention.layer_norm_rms_epsilon", 1e-5f).Add("mamba.ssm.dt_b_c_rms", true).Add("falcon_mamba.mixer_rms_eps", 1e-6f)
            .Add("tokenizer.ggml.model", "gpt2").Add("tokenizer.ggml.pre", "falcon").Add("tokenizer.ggml.tokens", tokens)
            .Add("tokenizer.ggml.token_type", [.. tokens.Select((_, id) => id < 257 ? 1 : id == 259 ? 4 : 3)]).Add("tokenizer.ggml.merges", ["a b"])
            .Add("tokenizer.ggml.bos_token_id", 257).Add("tokenizer.ggml.eos_token_id", 258).Add("tokenizer.ggml.add_bos_token", true)
            .Add("tokenizer.chat_template", "{{ messages }}");
        Matrix("token_embd.weight", TensorType.Q4_0, tokens.Length, width);
        Vector("output_norm.weight", width);
        Vector("blk.0.attn_norm.weight", width);
        Matrix("blk.0.ssm_in.weight", TensorType.Q4_K, 2 * inner, width);
        Vector("blk.0.ssm_conv1d.weight", inner, 4);
        Vector("blk.0.ssm_conv1d.bias", inner);
        Matrix("blk.0.ssm_x.weight", TensorType.Q8_0, 8, inner);
        Vector("blk.0.ssm_dt.weight", inner, 4);
        Vector("blk.0.ssm_dt.bias", inner);
        Vector("blk.0.ssm_a", inner, 2);
        Vector("blk.0.ssm_d", inner);
        Matrix("blk.0.ssm_out.weight", TensorType.Q5_1, width, inner);
        return builder.Build();

        void Matrix(string name, TensorType type, params long[] shape)
        {
            if (quantized) Add(name, type, shape);
            else Vector(name, shape);
        }

        void Vector(string name, params long[] shape) => Add(name, TensorType.F32, shape);

        void Add(string name, TensorType type, long[] shape)
        {
            TensorTypes.TryMeasure(type, shape, out _, out var length);
            var bytes = new byte[length];
            if (type == TensorType.F32) for (var i = 0; i < bytes.Length; i += 4) BitConverter.TryWriteBytes(bytes.AsSpan(i), -random.NextSingle());
            else random.NextBytes(bytes);
            builder.Add(name, type, shape, bytes);
        }
    }

    // The byte-level alphabet: printable bytes stand for themselves, the others for letters from U+0100 on.
    private static string ByteLetter(int value)
    {
        if (IsPrintable(value)) return ((char)value).ToString();
        return ((char)(256 + Enumerable.Range(0, value).Count(other => !IsPrintable(other)))).ToString();
    }

    private static bool IsPrintable(int value) => value is >= 0x21 and <= 0x7E or >= 0xA1 and <= 0xAC or >= 0xAE and <= 0xFF;
}
