using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Tokenization;

public class TextStreamTests
{
    [Fact]
    public void An_unfinished_character_comes_out_at_the_end_once()
    {
        var tokenizer = TokenizerFixtures.Named("gpt-2");
        var ids = tokenizer.Encode("\u0939");
        var stream = new TextStream(tokenizer);
        Assert.Equal("", stream.Append(ids[0]));
        Assert.Equal("\uFFFD", stream.Flush());
        Assert.Equal("", stream.Flush());
        Assert.Equal("\u0939", string.Concat(ids.Select(stream.Append)));
    }

    [Fact]
    public void An_unknown_id_leaves_the_stream_as_it_was()
    {
        var tokenizer = TokenizerFixtures.Named("gpt-2");
        var stream = new TextStream(tokenizer);
        var ids = tokenizer.Encode("\U0001F600");
        stream.Append(ids[0]);
        foreach (var id in new[] { -1, tokenizer.VocabularySize, int.MaxValue }) Assert.Throws<ArgumentOutOfRangeException>(() => stream.Append(id));
        Assert.Equal("\U0001F600", string.Concat(ids[1..].Select(stream.Append)));
    }

    [Fact]
    public void The_padding_of_a_models_vocabulary_is_no_text()
    {
        var tokenizer = TokenizerFixtures.Named("gpt-2");
        var stream = new TextStream(tokenizer, skipSpecialTokens: true);
        var ids = tokenizer.Encode("\U0001F600");
        Assert.Equal("\U0001F600", string.Concat(((int[])[ids[0], tokenizer.VocabularySize + 1, .. ids[1..]]).Select(stream.Append)));
        Assert.Equal("", tokenizer.Decode([tokenizer.VocabularySize], skipSpecialTokens: true));
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.Append(-1));
    }

    [Fact]
    public void Nothing_is_allocated_when_nothing_comes_out()
    {
        var tokenizer = TestTokenizers.Parse(TestTokenizers.Json());
        var stream = new TextStream(tokenizer);
        int[] unfinished = [0xF0, 0x9F, 0x98];
        var ids = Array.ConvertAll(unfinished, value => tokenizer.TokenToId(ByteLevelAlphabet.CharacterOf[value].ToString())!.Value);
        foreach (var id in ids) stream.Append(id);
        stream.Flush();

        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var id in ids) stream.Append(id);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Long_runs_are_encoded_whole()
    {
        var tokenizer = TokenizerFixtures.Named("falcon");
        foreach (var text in new[] { new string('a', 20_000), new string(' ', 20_000), string.Concat(Enumerable.Repeat("\u4E2D", 20_000)) })
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void A_batch_without_a_pad_token_says_so()
    {
        var tokenizer = TestTokenizers.Parse(TestTokenizers.Json());
        Assert.Contains("pad token", Assert.Throws<InvalidOperationException>(() => tokenizer.EncodeBatch(["a", "a b"])).Message, StringComparison.Ordinal);
        Assert.Equal([[97], [98]], tokenizer.EncodeBatch(["a", "b"]).Ids.Select(row => row.Select(id => (int)tokenizer.IdToToken(id)![0])));
        Assert.Empty(tokenizer.EncodeBatch([]).Ids);
        Assert.Throws<ArgumentException>(() => tokenizer.EncodeTo("a b", new int[1]));
    }
}
