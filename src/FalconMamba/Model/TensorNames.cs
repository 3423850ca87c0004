namespace FalconMamba.Model;

/// <summary>What a kind of checkpoint calls a model's tensors, and the few in which it stores other values.</summary>
internal sealed record TensorNames
{
    /// <summary>The names of transformers and the original authors.</summary>
    public static TensorNames HuggingFace { get; } = new()
    {
        Source = "config.json",
        Embeddings = "backbone.embeddings.weight",
        NormF = "backbone.norm_f.weight",
        LmHead = "lm_head.weight",
        LayerPrefix = "backbone.layers.",
        NormName = "norm.weight",
        InProjName = "mixer.in_proj",
        Conv1dName = "mixer.conv1d",
        XProjName = "mixer.x_proj",
        DtProjName = "mixer.dt_proj",
        OutProjName = "mixer.out_proj",
        AName = "mixer.A_log",
        DName = "mixer.D",
        StoresLogarithmOfA = true,
        StoresConvolutionAxis = true,
    };

    /// <summary>The names in GGUF files.</summary>
    public static TensorNames Gguf { get; } = new()
    {
        Source = "the metadata",
        Embeddings = "token_embd.weight",
        NormF = "output_norm.weight",
        LmHead = "output.weight",
        LayerPrefix = "blk.",
        NormName = "attn_norm.weight",
        InProjName = "ssm_in",
        Conv1dName = "ssm_conv1d",
        XProjName = "ssm_x",
        DtProjName = "ssm_dt",
        OutProjName = "ssm_out",
        AName = "ssm_a",
        DName = "ssm_d",
        StoresLogarithmOfA = false,
        StoresConvolutionAxis = false,
    };

    /// <summary>What the shapes come from, for errors.</summary>
    public required string Source { get; init; }

    /// <summary>[vocabulary, H].</summary>
    public required string Embeddings { get; init; }

    /// <summary>[H].</summary>
    public required string NormF { get; init; }

    /// <summary>[vocabulary, H].</summary>
    public required string LmHead { get; init; }

    /// <summary>Whether A is stored as log(−A).</summary>
    public required bool StoresLogarithmOfA { get; init; }

    /// <summary>Whether the convolution is stored as [D, 1, K] rather than [D, K].</summary>
    public required bool StoresConvolutionAxis { get; init; }

    private string LayerPrefix { get; init; } = "";

    private string NormName { get; init; } = "";

    private string InProjName { get; init; } = "";

    private string Conv1dName { get; init; } = "";

    private string XProjName { get; init; } = "";

    private string DtProjName { get; init; } = "";

    private string OutProjName { get; init; } = "";

    private string AName { get; init; } = "";

    private string DName { get; init; } = "";

    public string Norm(int layer) => $"{LayerPrefix}{layer}.{NormName}";

    public string InProj(int layer) => $"{LayerPrefix}{layer}.{InProjName}.weight";

    public string InProjBias(int layer) => $"{LayerPrefix}{layer}.{InProjName}.bias";

    public string Conv1d(int layer) => $"{LayerPrefix}{layer}.{Conv1dName}.weight";

    public string Conv1dBias(int layer) => $"{LayerPrefix}{layer}.{Conv1dName}.bias";

    public string XProj(int layer) => $"{LayerPrefix}{layer}.{XProjName}.weight";

    public string DtProj(int layer) => $"{LayerPrefix}{layer}.{DtProjName}.weight";

    public string DtProjBias(int layer) => $"{LayerPrefix}{layer}.{DtProjName}.bias";

    public string A(int layer) => $"{LayerPrefix}{layer}.{AName}";

    public string D(int layer) => $"{LayerPrefix}{layer}.{DName}";

    public string OutProj(int layer) => $"{LayerPrefix}{layer}.{OutProjName}.weight";

    public string OutProjBias(int layer) => $"{LayerPrefix}{layer}.{OutProjName}.bias";
}
