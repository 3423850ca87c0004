using FalconMamba.ChatTemplates.Filtering;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Syntax;

internal sealed partial class ExpressionParser
{
    private Expression ParsePrimary(bool allowsNamespace)
    {
        var token = stream.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                stream.Next();
                return token.Text switch
                {
                    "true" or "True" => new Constant(true, token.Offset),
                    "false" or "False" => new Constant(false, token.Offset),
                    "none" or "None" => new Constant(null, token.Offset),
                    _ when allowsNamespace && stream.SkipOperator(".") => new NamespaceMember(token.Text, stream.ExpectName().Text, token.Offset),
                    _ => Mention(token),
                };
            case TokenKind.String:
                var (text, codePoints) = ("", 0);
                for (; stream.Current.Kind == TokenKind.String; stream.Next()) (text, codePoints) = (text + stream.Current.Text, codePoints + (int)stream.Current.Value!);
                return new Constant(Text.Literal(text, codePoints), token.Offset);
            case TokenKind.Number:
                return new Constant(stream.Next().Value, token.Offset);
            case TokenKind.Operator when token.Text is "(" or "[" or "{":
                stream.Descend();
                var display = token.Text switch { "(" => ParseParentheses(), "[" => ParseList(), _ => ParseDict() };
                stream.Ascend();
                return display;
            default:
                throw stream.Unexpected("an expression");
        }
    }

    private Variable Mention(Token name)
    {
        Mentioned.Add(name.Text);
        return new Variable(name.Text, name.Offset);
    }

    private Expression ParseParentheses()
    {
        stream.Next();
        var content = ParseTuple(allowsEmpty: true);
        stream.ExpectOperator(")");
        return content;
    }

    private ListDisplay ParseList()
    {
        var offset = stream.Next().Offset;
        var items = new List<Expression>();
        while (!stream.Current.IsOperator("]"))
        {
            if (items.Count > 0) stream.ExpectOperator(",");
            if (stream.Current.IsOperator("]")) break;
            items.Add(Parse());
        }

        stream.ExpectOperator("]");
        return new ListDisplay([.. items], offset);
    }

    private DictDisplay ParseDict()
    {
        var offset = stream.Next().Offset;
        var items = new List<(Expression, Expression)>();
        while (!stream.Current.IsOperator("}"))
        {
            if (items.Count > 0) stream.ExpectOperator(",");
            if (stream.Current.IsOperator("}")) break;
            var key = Parse();
            stream.ExpectOperator(":");
            items.Add((key, Parse()));
        }

        stream.ExpectOperator("}");
        return new DictDisplay([.. items], offset);
    }

    private Expression ParsePostfix(Expression value, ref int links)
    {
        while (stream.Current is { Kind: TokenKind.Operator, Text: "." or "[" or "(" } token)
        {
            stream.Descend();
            links++;
            value = token.Text switch
            {
                "." => ParseMember(value),
                "[" => ParseSubscript(value),
                _ => new Call(value, ParseArguments(), token.Offset),
            };
        }

        return value;
    }

    private Expression ParseFiltersAndTests(Expression value, ref int links)
    {
        while (true)
        {
            if (stream.Current.IsOperator("|"))
            {
                var filters = ParseFilters(value)!;
                for (Expression? filter = filters; filter is Filter inner && filter != value; filter = inner.Input)
                {
                    stream.Descend();
                    links++;
                }

                value = filters;
                continue;
            }

            var isTest = stream.Current.IsName("is");
            if (!isTest && !stream.Current.IsOperator("(")) return value;
            stream.Descend();
            links++;
            value = isTest ? ParseTest(value) : new Call(value, ParseArguments(), stream.Current.Offset);
        }
    }

    private Expression ParseMember(Expression target)
    {
        var offset = stream.Next().Offset;
        var name = stream.Next();
        return name.Kind switch
        {
            TokenKind.Name => new Member(target, name.Text, offset),
            TokenKind.Number when name.Value is System.Numerics.BigInteger => new Subscript(target, new Constant(name.Value, name.Offset), offset),
            _ => throw stream.Wrong($"a name or an index was expected, found {name.Description}", name.Offset),
        };
    }

    private Subscript ParseSubscript(Expression target)
    {
        var offset = stream.Next().Offset;
        var indices = new List<Expression>();
        while (!stream.Current.IsOperator("]"))
        {
            if (indices.Count > 0) stream.ExpectOperator(",");
            indices.Add(ParseIndex());
        }

        stream.ExpectOperator("]");
        return new Subscript(target, indices is [var single] ? single : new TupleDisplay([.. indices], offset), offset);
    }

    private Expression ParseIndex()
    {
        var offset = stream.Current.Offset;
        Expression? start = null;
        if (!stream.Current.IsOperator(":"))
        {
            start = Parse();
            if (!stream.Current.IsOperator(":")) return start;
        }

        stream.Next();
        var stop = stream.Current.IsOperator(":") ? null : ParseBound();
        var step = stream.SkipOperator(":") ? ParseBound() : null;
        return new Slice(start, stop, step, offset);

        Expression? ParseBound() => stream.Current.IsOperator("]") || stream.Current.IsOperator(",") ? null : Parse();
    }

    private ArgumentList ParseArguments()
    {
        var offset = stream.ExpectOperator("(").Offset;
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? morePositional = null, moreNamed = null;
        for (var isFirst = true; !stream.Current.IsOperator(")"); isFirst = false)
        {
            if (!isFirst) stream.ExpectOperator(",");
            if (stream.Current.IsOperator(")")) break;
            if (stream.SkipOperator("*"))
            {
                Ensure(morePositional is null && moreNamed is null);
                morePositional = Parse();
            }
            else if (stream.SkipOperator("**"))
            {
                Ensure(moreNamed is null);
                moreNamed = Parse();
            }
            else if (stream.Current.Kind == TokenKind.Name && stream.Following.IsOperator("="))
            {
                Ensure(moreNamed is null);
                var name = stream.Next().Text;
                stream.Next();
                if (named.Exists(argument => argument.Item1 == name)) throw stream.Wrong($"the argument \"{Formats.Excerpt.Of(name)}\" was given twice", offset);
                named.Add((name, Parse()));
            }
            else
            {
                Ensure(morePositional is null && moreNamed is null && named.Count == 0);
                positional.Add(Parse());
            }
        }

        stream.ExpectOperator(")");
        return new ArgumentList([.. positional], [.. named], morePositional, moreNamed);

        void Ensure(bool isAllowed)
        {
            if (!isAllowed) throw stream.Wrong("arguments were expected in the order: by place, by name, *more, **more by name", offset);
        }
    }

    private Expression ParseTest(Expression input)
    {
        var offset = stream.Next().Offset;
        var isNegated = stream.SkipName("not");
        var nameOffset = stream.Current.Offset;
        var name = ParseDottedName();
        if (!Tests.Exists(name)) Unknown($"there is no test \"{Formats.Excerpt.Of(name)}\"", nameOffset);
        var test = new Test(input, name, ParseTestArguments(), offset);
        return isNegated ? new Negation(test, offset) : test;
    }

    // A test's one argument may stand without parentheses.
    private ArgumentList ParseTestArguments()
    {
        var token = stream.Current;
        if (token.IsOperator("(")) return ParseArguments();
        var isArgument = token.Kind is TokenKind.String or TokenKind.Number || token.IsOperator("[") || token.IsOperator("{")
            || (token.Kind == TokenKind.Name && token.Text is not ("else" or "or" or "and"));
        if (!isArgument) return ArgumentList.None;
        if (token.IsName("is")) throw stream.Wrong("a test cannot stand behind another one", token.Offset);
        var links = 0;
        var argument = ParsePostfix(ParsePrimary(allowsNamespace: false), ref links);
        stream.Ascend(links);
        return new ArgumentList([argument], [], null, null);
    }

    private string ParseDottedName()
    {
        var name = stream.ExpectName().Text;
        while (stream.SkipOperator(".")) name += "." + stream.ExpectName().Text;
        return name;
    }

    private void Unknown(string detail, int offset)
    {
        if (!IsConditional) _unknown.Add((detail, offset));
    }
}
