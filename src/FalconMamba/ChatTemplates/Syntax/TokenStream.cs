using System.Runtime.CompilerServices;

namespace FalconMamba.ChatTemplates.Syntax;

/// <summary>Tokens under a parser's eye, and what parsers share.</summary>
internal sealed class TokenStream(SourceText source)
{
    // Deeper templates are written by nobody but those who try what happens.
    private const int MostLevels = 400;

    private readonly List<Token> _tokens = Lexer.Read(source);
    private int _place, _level;

    /// <summary>The next token.</summary>
    public Token Current => _tokens[_place];

    /// <summary>The token behind the next one.</summary>
    public Token Following => _tokens[Math.Min(_place + 1, _tokens.Count - 1)];

    /// <summary>Takes the next token.</summary>
    public Token Next()
    {
        var token = Current;
        if (token.Kind != TokenKind.End) _place++;
        return token;
    }

    /// <summary>Takes the next token if it is this name.</summary>
    public bool SkipName(string name) => SkipIf(Current.IsName(name));

    /// <summary>Takes the next token if it is this operator.</summary>
    public bool SkipOperator(string sign) => SkipIf(Current.IsOperator(sign));

    /// <summary>Takes a name.</summary>
    public Token ExpectName() => Current.Kind == TokenKind.Name ? Next() : throw Unexpected("a name");

    /// <summary>Takes this name.</summary>
    public Token ExpectName(string name) => Current.IsName(name) ? Next() : throw Unexpected($"\"{name}\"");

    /// <summary>Takes this operator.</summary>
    public Token ExpectOperator(string sign) => Current.IsOperator(sign) ? Next() : throw Unexpected($"\"{sign}\"");

    /// <summary>Takes a token of this kind.</summary>
    public Token Expect(TokenKind kind, string what) => Current.Kind == kind ? Next() : throw Unexpected(what);

    /// <summary>A refusal of the next token.</summary>
    public ChatTemplateException Unexpected(string expected) => Wrong($"{expected} was expected, found {Current.Description}", Current.Offset);

    /// <summary>A refusal of the syntax at a place.</summary>
    public ChatTemplateException Wrong(string detail, int offset) => source.Wrong(detail, offset);

    /// <summary>Begins a level of nesting; a link of a chain counts as one too, as it nests in the tree.</summary>
    public void Descend()
    {
        if (++_level > MostLevels || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw source.Error(ChatTemplateErrorKind.Limit, $"expressions and statements are nested more than {MostLevels} levels deep", Current.Offset);
    }

    /// <summary>Ends levels of nesting.</summary>
    public void Ascend(int levels = 1) => _level -= levels;

    private bool SkipIf(bool condition)
    {
        if (condition) Next();
        return condition;
    }
}
