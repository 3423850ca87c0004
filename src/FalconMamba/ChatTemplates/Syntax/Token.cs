namespace FalconMamba.ChatTemplates.Syntax;

/// <summary>What a token is.</summary>
internal enum TokenKind
{
    /// <summary>Text outside of tags.</summary>
    Data,

    /// <summary><c>{{</c>.</summary>
    PrintBegin,

    /// <summary><c>}}</c>.</summary>
    PrintEnd,

    /// <summary><c>{%</c>.</summary>
    BlockBegin,

    /// <summary><c>%}</c>.</summary>
    BlockEnd,

    /// <summary>A name or keyword.</summary>
    Name,

    /// <summary>A string.</summary>
    String,

    /// <summary>An integer or a float.</summary>
    Number,

    /// <summary>An operator or a bracket.</summary>
    Operator,

    /// <summary>The end of the template.</summary>
    End,
}

/// <summary>A token: its text as written or unescaped, its place, and the value of a number or the code points of a string.</summary>
internal sealed record Token(TokenKind Kind, string Text, int Offset, object? Value = null)
{
    /// <summary>Whether the token is this name.</summary>
    public bool IsName(string name) => Kind == TokenKind.Name && Text == name;

    /// <summary>Whether the token is this operator.</summary>
    public bool IsOperator(string sign) => Kind == TokenKind.Operator && Text == sign;

    /// <summary>The token for messages.</summary>
    public string Description => Kind switch
    {
        TokenKind.Data => "text outside of a tag",
        TokenKind.PrintBegin => "\"{{\"",
        TokenKind.PrintEnd => "\"}}\"",
        TokenKind.BlockBegin => "\"{%\"",
        TokenKind.BlockEnd => "\"%}\"",
        TokenKind.String => "a string",
        TokenKind.End => "the end of the template",
        _ => $"\"{Formats.Excerpt.Of(Text)}\"",
    };
}
