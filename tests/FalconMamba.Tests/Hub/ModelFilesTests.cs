using FalconMamba.Hub;

namespace FalconMamba.Tests.Hub;

/// <summary>Which files of a repository are downloaded.</summary>
public class ModelFilesTests
{
    [Theory]
    [InlineData("config.json README.md LICENSE.txt model.safetensors pytorch_model.bin .gitattributes", "config.json README.md LICENSE.txt model.safetensors")]
    [InlineData("model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json tokenizer.json", "model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json tokenizer.json")]
    [InlineData("model.safetensors model.safetensors.index.json model-00001-of-00001.safetensors onnx/model.safetensors", "model.safetensors")]
    [InlineData("weights.safetensors config.json a.Q4_K_M.gguf optimizer.pt", "weights.safetensors config.json")]
    [InlineData("a.Q4_K_M.gguf README.md config.json", "a.Q4_K_M.gguf README.md config.json")]
    [InlineData("chat_template.jinja additional_chat_templates/tools.jinja generation_config.json model.safetensors runs/README.md", "chat_template.jinja additional_chat_templates/tools.jinja generation_config.json model.safetensors")]
    public void A_model_is_its_safetensors_or_its_one_gguf_file_and_what_stands_beside(string files, string expected) =>
        Assert.Equal(expected.Split(' '), ModelFiles.OfModel(Model(files)).Select(file => file.Path));

    [Theory]
    [InlineData("config.json pytorch_model.bin", "save_pretrained")]
    [InlineData("pytorch_model-00001-of-00002.bin pytorch_model-00002-of-00002.bin pytorch_model.bin.index.json", "can run code")]
    [InlineData("config.json README.md", "no weights")]
    [InlineData("a.Q4_K_M.gguf a.Q8_0.gguf", "--include a.Q4_K_M.gguf")]
    public void What_cannot_be_chosen_is_told(string files, string part)
    {
        var error = Assert.Throws<HubException>(() => ModelFiles.OfModel(Model(files)));
        Assert.Equal(HubProblem.Unsuitable, error.Problem);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Patterns_choose_and_leave_out()
    {
        var model = Model("config.json README.md a.Q4_K_M.gguf a.Q8_0.gguf model.safetensors");
        Assert.Equal(["a.Q8_0.gguf"], ModelFiles.Matching(model, ["*Q8_0*"], []).Select(file => file.Path));
        Assert.Equal(["config.json", "model.safetensors"], ModelFiles.Matching(model, [], ["*.md"]).Select(file => file.Path));
        Assert.Equal(["config.json", "README.md"], ModelFiles.Matching(model, ["*"], ["*.gguf", "*.safetensors"]).Select(file => file.Path));
        Assert.Contains("a.Q8_0.gguf", Assert.Throws<HubException>(() => ModelFiles.Matching(model, ["*Q5*"], [])).Message, StringComparison.Ordinal);
        Assert.Equal(["config.json", "README.md"], ModelFiles.OfTokenizer(model).Select(file => file.Path));
    }

    private static HubModel Model(string files) =>
        new(HubBench.Id, "main", StubHub.Commit, [.. files.Split(' ').Select((path, i) => new HubFile(path, i, StubHub.Commit))]);
}
