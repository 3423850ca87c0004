using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Tokenization;

[Trait("Category", "Golden")]
public class EncodingGoldenTests
{
    [Fact]
    public void Texts_have_the_reference_ids_tokens_and_offsets() =>
        FixtureFolder.ForEach(TokenizerFixtures.Goldens, static folder => TokenizerFixtures.Rows(folder, "encode"), isPart: true, check: static row =>
        {
            var text = row.Text("text");
            var actual = row.Tokenizer.Tokenize(text);
            Assert.Equal(row.Ids(), actual.Ids);
            Assert.Equal(row.Texts("tokens"), actual.Tokens);
            Assert.Equal(row.Rows("offsets"), OffsetUnits.InCodePoints(text, actual.Offsets));
            Assert.Equal(row.Rows("byte_offsets"), OffsetUnits.InUtf8(text, actual.Offsets));
            Assert.Equal(row.Ids(), row.Tokenizer.Encode(text));
            Assert.Equal(row.Text("decoded"), row.Tokenizer.Decode(row.Ids()));
            Assert.Equal(row.Text("decoded_skip_special"), row.Tokenizer.Decode(row.Ids(), skipSpecialTokens: true));
        });

    [Fact]
    public void Texts_are_cut_into_the_reference_pieces() =>
        FixtureFolder.ForEach(TokenizerFixtures.Goldens, static folder => TokenizerFixtures.Rows(folder, "pretokenize"), isPart: true, check: static row =>
        {
            var model = row.Tokenizer.Model;
            var normalized = row.Text("normalized");
            Assert.Equal(normalized, model.Normalizer?.Normalize(row.Text("text")) ?? row.Text("text"));

            var buffer = new PieceBuffer();
            buffer.Load(normalized, 0, track: true);
            model.PreTokenizer.Apply(buffer);
            var pieces = buffer.Pieces.ToArray();
            var expected = row.Element.GetProperty("pieces").EnumerateArray().ToArray();
            Assert.Equal(expected.Select(static piece => piece[0].GetString()!), pieces.Select(piece => buffer.TextOf(piece).ToString()));
            Assert.Equal(
                expected.Select(static piece => new[] { piece[1][0].GetInt32(), piece[1][1].GetInt32() }),
                OffsetUnits.InCodePoints(normalized, pieces.Select(piece => buffer.OriginalStart(piece.Start)..buffer.OriginalEnd(piece.Start + piece.Length))));
        });

    [Fact]
    public void Special_tokens_in_untrusted_text_are_ordinary_text() =>
        FixtureFolder.ForEach(TokenizerFixtures.Goldens, static folder => TokenizerFixtures.Rows(folder, "special_as_text"), isPart: true, check: static row =>
        {
            var actual = row.Tokenizer.Tokenize(row.Text("text"), trustedRanges: []);
            Assert.Equal(row.Ids(), actual.Ids);
            Assert.Equal(row.Texts("tokens"), actual.Tokens);
            Assert.Equal(row.Ids(), row.Tokenizer.Encode(row.Text("text"), trustedRanges: []));
            Assert.Equal(row.Text("decoded"), row.Tokenizer.Decode(row.Ids()));
        });

    [Fact]
    public void Batches_are_cut_and_filled_as_in_the_reference() =>
        FixtureFolder.ForEach(TokenizerFixtures.Goldens, static folder => TokenizerFixtures.Rows(folder, "batch_padding"), isPart: true, check: static row =>
        {
            var options = row.Element.GetProperty("options");
            int? Number(string key) => options.TryGetProperty(key, out var value) ? value.GetInt32() : null;
            var batch = row.Tokenizer.EncodeBatch(row.Texts("texts"), new TokenBatchOptions
            {
                PadId = row.Element.GetProperty("pad_id").GetInt32(),
                PaddingSide = Side(row.Text("padding_side")),
                PadToMultipleOf = Number("pad_to_multiple_of") ?? 0,
                Length = Number("length"),
                MaxLength = Number("max_length"),
                TruncationSide = options.TryGetProperty("truncation_side", out var side) ? Side(side.GetString()!) : SequenceSide.Right,
            });
            Assert.Equal(row.Rows("ids"), batch.Ids);
            Assert.Equal(row.Rows("attention_mask"), batch.AttentionMask);
        });

    [Fact]
    public void Trained_vocabularies_give_the_reference_ids() =>
        FixtureFolder.ForEach("tokenizers/training", static folder => TokenizerFixtures.Rows(folder, "encode"), isPart: true, check: static row =>
        {
            var tokenizer = TokenizerFixtures.Load(TokenizerFixtures.Find(Path.Combine("training", row.Text("tokenizer") + ".tokenizer.json")));
            Assert.Equal(row.Ids(), tokenizer.Encode(row.Text("text")));
            Assert.Equal(row.Text("decoded"), tokenizer.Decode(row.Ids()));
        });

    [Fact]
    public void Every_tokenizer_file_loads_and_round_trips() =>
        FixtureFolder.ForEach(TokenizerFixtures.Tokenizers, TokenizerFixtures.Files, isPart: true, check: static path =>
            CheckRoundTrip(TokenizerFixtures.Load(path, TokenizerConfig.FromFolder(Path.GetDirectoryName(path)!))));

    [Fact]
    public void A_models_folder_gives_its_tokenizer_or_says_that_it_has_none() =>
        FixtureFolder.ForEach("models", static models => Directory.EnumerateDirectories(models).Select(static folder => (folder, folder)), static folder =>
        {
            if (File.Exists(Path.Combine(folder, "tokenizer.json"))) CheckRoundTrip(Tokenizer.FromFolder(folder));
            else Assert.Contains(folder, Assert.Throws<FileNotFoundException>(() => Tokenizer.FromFolder(folder)).Message, StringComparison.Ordinal);
        });

    private static void CheckRoundTrip(Tokenizer tokenizer)
    {
        const string text = "the king and the queen\n";
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        for (var id = 0; id < tokenizer.VocabularySize; id++) Assert.Equal(id, tokenizer.TokenToId(tokenizer.IdToToken(id)!));
    }

    private static SequenceSide Side(string name) => Enum.Parse<SequenceSide>(name, ignoreCase: true);
}
