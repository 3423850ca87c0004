namespace FalconMamba.ChatTemplates.Syntax;

/// <summary>Parses a template's statements.</summary>
internal sealed class TemplateParser
{
    private readonly TokenStream _stream;
    private readonly ExpressionParser _expressions;
    private readonly HashSet<string> _blocks = [];
    private int _loops;

    private TemplateParser(SourceText source)
    {
        _stream = new TokenStream(source);
        _expressions = new ExpressionParser(_stream);
    }

    /// <summary>Parses a source.</summary>
    /// <exception cref="ChatTemplateException">It is no template.</exception>
    public static Statement[] Parse(SourceText source)
    {
        var parser = new TemplateParser(source);
        var body = parser.ParseBody([]);
        parser._expressions.CheckNames();
        return body;
    }

    // Everything up to one of some tags, whose name is the next token then.
    private Statement[] ParseBody(ReadOnlySpan<string> ends)
    {
        _stream.Descend();
        var body = new List<Statement>();
        while (_stream.Current.Kind != TokenKind.End)
        {
            var token = _stream.Next();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    body.Add(new Data(token.Text, token.Offset));
                    continue;
                case TokenKind.PrintBegin:
                    body.Add(new Print(_expressions.ParseTuple(), token.Offset));
                    _stream.Expect(TokenKind.PrintEnd, "\"}}\"");
                    continue;
            }

            if (_stream.Current.Kind == TokenKind.Name && ends.Contains(_stream.Current.Text))
            {
                _stream.Ascend();
                return [.. body];
            }

            body.AddRange(ParseStatement(token.Offset));
            _stream.Expect(TokenKind.BlockEnd, "\"%}\"");
        }

        _stream.Ascend();
        return ends.IsEmpty ? [.. body] : throw _stream.Unexpected(string.Join(" or ", ends.ToArray().Select(static end => $"\"{end}\"")));
    }

    // The body of a tag, and the end that it found.
    private (Statement[] Body, string End) ParseBlock(params ReadOnlySpan<string> ends)
    {
        _stream.SkipOperator(":");
        _stream.Expect(TokenKind.BlockEnd, "\"%}\"");
        var body = ParseBody(ends);
        return (body, _stream.Next().Text);
    }

    // A body in a scope of its own.
    private Statement[] ParseScope(string end, bool keepsLoop = true)
    {
        var (conditional, loops) = (_expressions.IsConditional, _loops);
        _expressions.IsConditional = false;
        if (!keepsLoop) _loops = 0;
        var body = ParseBlock(end).Body;
        (_expressions.IsConditional, _loops) = (conditional, loops);
        return body;
    }

    private Statement[] ParseStatement(int offset)
    {
        var tag = _stream.Current.Kind == TokenKind.Name ? _stream.Next() : throw _stream.Unexpected("a tag's name");
        return tag.Text switch
        {
            "for" => [ParseFor(offset)],
            "if" => [ParseIf(offset)],
            "set" => [ParseSet(offset)],
            "print" => ParsePrint(offset),
            "macro" => [ParseMacro(offset)],
            "call" => [ParseCall(offset)],
            "filter" => [new FilterBlock(_expressions.ParseFilters(null, startsInside: true)!, ParseScope("endfilter"), offset)],
            "with" => [ParseWith(offset)],
            "autoescape" => [new Autoescape(_expressions.Parse(), ParseScope("endautoescape"), offset)],
            "block" => [ParseNamedBlock(offset)],
            "generation" => [new GenerationBlock(ParseScope("endgeneration", keepsLoop: false), offset)],
            "break" or "continue" => _loops > 0 ? [new Jump(tag.Text == "break", offset)] : throw _stream.Wrong($"\"{tag.Text}\" was not expected outside of a loop", offset),
            "include" or "extends" or "import" or "from" => [ParseLoading(tag.Text, offset)],
            _ => throw _stream.Wrong($"there is no tag \"{Formats.Excerpt.Of(tag.Text)}\" here", tag.Offset),
        };
    }

    private For ParseFor(int offset)
    {
        var target = _expressions.ParseTarget(end: "in");
        _stream.ExpectName("in");
        var items = _expressions.ParseTuple(withCondition: false, end: "recursive");
        var (conditional, loops) = (_expressions.IsConditional, _loops);
        _expressions.IsConditional = false;
        var condition = _stream.SkipName("if") ? _expressions.Parse() : null;
        var isRecursive = _stream.SkipName("recursive");

        // A recursive loop is a function, and cannot be left from inside another one.
        _loops = isRecursive ? 1 : _loops + 1;
        var (body, end) = ParseBlock("endfor", "else");
        _loops = loops;
        var otherwise = end == "else" ? ParseBlock("endfor").Body : [];
        _expressions.IsConditional = conditional;
        return new For(target, items, condition, isRecursive, body, otherwise, offset);
    }

    private If ParseIf(int offset)
    {
        var conditional = _expressions.IsConditional;
        _expressions.IsConditional = true;
        var branches = new List<(Expression?, Statement[])>();
        for (var end = "elif"; end != "endif";)
        {
            var condition = end == "elif" ? _expressions.ParseTuple(withCondition: false) : null;
            (var body, end) = condition is null ? ParseBlock("endif") : ParseBlock("elif", "else", "endif");
            branches.Add((condition, body));
        }

        _expressions.IsConditional = conditional;
        return new If([.. branches], offset);
    }

    private Statement ParseSet(int offset)
    {
        var target = _expressions.ParseTarget(allowsNamespace: true);
        if (_stream.SkipOperator("=")) return new Assignment(target, _expressions.ParseTuple(), offset);
        return new BlockAssignment(target, _expressions.ParseFilters(null), ParseScope("endset"), offset);
    }

    private Statement[] ParsePrint(int offset)
    {
        var values = new List<Statement>();
        while (_stream.Current.Kind != TokenKind.BlockEnd)
        {
            if (values.Count > 0) _stream.ExpectOperator(",");
            values.Add(new Print(_expressions.Parse(), offset));
        }

        return [.. values];
    }

    private MacroDefinition ParseMacro(int offset)
    {
        var name = ParseName();
        var (parameters, defaults) = ParseParameters();
        return new MacroDefinition(name, ParseMacroBody(parameters, defaults, "endmacro"), offset);
    }

    private CallBlock ParseCall(int offset)
    {
        var (parameters, defaults) = _stream.Current.IsOperator("(") ? ParseParameters() : ([], []);
        if (_expressions.Parse() is not Call call) throw _stream.Wrong("the call of a macro was expected", offset);
        return new CallBlock(call, ParseMacroBody(parameters, defaults, "endcall"), offset);
    }

    // What a macro takes besides its parameters is what its body mentions.
    private MacroBody ParseMacroBody(string[] parameters, Expression?[] defaults, string end)
    {
        var outside = _expressions.Mentioned;
        _expressions.Mentioned = [];
        var body = ParseScope(end, keepsLoop: false);
        var inside = _expressions.Mentioned;
        outside.UnionWith(inside);
        _expressions.Mentioned = outside;
        return new MacroBody(parameters, defaults, body, Takes("caller"), Takes("varargs"), Takes("kwargs"));

        bool Takes(string name) => inside.Contains(name) && !parameters.Contains(name);
    }

    private (string[] Parameters, Expression?[] Defaults) ParseParameters()
    {
        var parameters = new List<string>();
        var defaults = new List<Expression?>();
        _stream.ExpectOperator("(");
        while (!_stream.Current.IsOperator(")"))
        {
            if (parameters.Count > 0) _stream.ExpectOperator(",");
            var offset = _stream.Current.Offset;
            parameters.Add(ParseName());
            if (parameters.IndexOf(parameters[^1]) < parameters.Count - 1) throw _stream.Wrong("parameters of different names were expected", offset);
            if (_stream.SkipOperator("=")) defaults.Add(_expressions.Parse());
            else if (defaults is [.., not null]) throw _stream.Wrong("a default was expected, as the parameter before has one", offset);
            else defaults.Add(null);
        }

        _stream.ExpectOperator(")");
        return ([.. parameters], [.. defaults]);
    }

    private string ParseName() => _stream.Current is { Kind: TokenKind.Name, Text: "true" or "false" or "none" or "True" or "False" or "None" }
        ? throw _stream.Unexpected("a name to assign to")
        : _stream.ExpectName().Text;

    private With ParseWith(int offset)
    {
        var values = new List<(Expression, Expression)>();
        while (_stream.Current.Kind != TokenKind.BlockEnd)
        {
            if (values.Count > 0) _stream.ExpectOperator(",");
            var target = _expressions.ParseTarget();
            _stream.ExpectOperator("=");
            values.Add((target, _expressions.Parse()));
        }

        return new With([.. values], ParseScope("endwith"), offset);
    }

    private Block ParseNamedBlock(int offset)
    {
        var name = _stream.ExpectName().Text;
        if (!_blocks.Add(name)) throw _stream.Wrong($"the block \"{Formats.Excerpt.Of(name)}\" is defined twice", offset);
        var isScoped = _stream.SkipName("scoped");
        var isRequired = _stream.SkipName("required");
        var body = ParseScope("endblock", keepsLoop: false);
        if (isRequired && !body.All(static statement => statement is Data data && data.Text.All(Values.Characters.IsSpace)))
            throw _stream.Wrong("a required block was expected to be empty", offset);
        _stream.SkipName(name);
        return new Block(name, isScoped, body, offset);
    }

    // Read to its end, although nothing can be loaded: a broken tag is an error of the syntax.
    private Loading ParseLoading(string tag, int offset)
    {
        _expressions.Parse();
        if (tag == "import")
        {
            _stream.ExpectName("as");
            ParseName();
        }
        else if (tag == "from")
        {
            _stream.ExpectName("import");
            if (_stream.Current is { Kind: TokenKind.Name, Text: ['_', ..] }) throw _stream.Unexpected("a name without an underscore before it");
        }

        while (_stream.Current.Kind is not (TokenKind.BlockEnd or TokenKind.End)) _stream.Next();
        return new Loading(tag, offset);
    }
}
