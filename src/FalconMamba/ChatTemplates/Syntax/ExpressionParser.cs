using FalconMamba.ChatTemplates.Filtering;

namespace FalconMamba.ChatTemplates.Syntax;

/// <summary>Parses expressions, with Jinja's precedence: a sign binds tighter than a power, and powers go from the left.</summary>
internal sealed partial class ExpressionParser(TokenStream stream)
{
    // Filters and tests that do not exist: fatal at once, except where a condition may keep them from being reached.
    private readonly List<(string Detail, int Offset)> _unknown = [];

    /// <summary>Whether a condition decides if what is parsed runs.</summary>
    public bool IsConditional { get; set; }

    /// <summary>The variables that occurred.</summary>
    public HashSet<string> Mentioned { get; set; } = [];

    /// <summary>Refuses filters and tests that do not exist.</summary>
    public void CheckNames()
    {
        if (_unknown is [var (detail, offset), ..]) throw stream.Wrong(detail, offset);
    }

    /// <summary>An expression.</summary>
    public Expression Parse(bool withCondition = true) => withCondition ? ParseConditional() : ParseOr();

    /// <summary>Expressions with commas between, which make a tuple, or a single one.</summary>
    /// <param name="withCondition">Allows <c>if</c> inside.</param>
    /// <param name="end">A name that ends the tuple.</param>
    /// <param name="allowsEmpty">Allows none at all.</param>
    public Expression ParseTuple(bool withCondition = true, string? end = null, bool allowsEmpty = false) =>
        ParseTuple(() => Parse(withCondition), end, allowsEmpty);

    /// <summary>What an assignment fills.</summary>
    public Expression ParseTarget(string? end = null, bool allowsNamespace = false)
    {
        var offset = stream.Current.Offset;
        var target = ParseTuple(() => ParsePrimary(allowsNamespace), end, allowsEmpty: false);
        return CanAssign(target) ? target : throw stream.Wrong("a name, or names with commas between, were expected to assign to", offset);
    }

    /// <summary>Filters behind each other; without input for a block.</summary>
    public Filter? ParseFilters(Expression? input, bool startsInside = false)
    {
        Filter? filter = null;
        var links = 0;
        while (startsInside || stream.SkipOperator("|"))
        {
            startsInside = false;
            stream.Descend();
            links++;
            var offset = stream.Current.Offset;
            var name = ParseDottedName();
            var arguments = stream.Current.IsOperator("(") ? ParseArguments() : ArgumentList.None;
            if (!Filters.Exists(name)) Unknown($"there is no filter \"{Formats.Excerpt.Of(name)}\"", offset);
            input = filter = new Filter(input, name, arguments, offset);
        }

        stream.Ascend(links);
        return filter;
    }

    private Expression ParseTuple(Func<Expression> parse, string? end, bool allowsEmpty)
    {
        var offset = stream.Current.Offset;
        var items = new List<Expression>();
        var isTuple = false;
        while (!IsTupleEnd(end))
        {
            items.Add(parse());
            if (!stream.Current.IsOperator(",")) break;
            stream.Next();
            isTuple = true;
        }

        if (!isTuple && items is [var single]) return single;
        return isTuple || allowsEmpty ? new TupleDisplay([.. items], offset) : throw stream.Unexpected("an expression");
    }

    private bool IsTupleEnd(string? end) => stream.Current.Kind is TokenKind.PrintEnd or TokenKind.BlockEnd
        || stream.Current.IsOperator(")") || (end is not null && stream.Current.IsName(end));

    private static bool CanAssign(Expression target) => target switch
    {
        Variable or NamespaceMember => true,
        TupleDisplay tuple => tuple.Items.All(CanAssign),
        _ => false,
    };

    private Expression ParseConditional()
    {
        stream.Descend();
        var links = 1;
        var offset = stream.Current.Offset;
        var unknown = _unknown.Count;
        var value = ParseOr();
        while (stream.SkipName("if"))
        {
            stream.Descend();
            links++;
            var condition = ParseOr();
            var other = stream.SkipName("else") ? ParseConditional() : null;
            value = new Conditional(condition, value, other, offset);
            _unknown.RemoveRange(unknown, _unknown.Count - unknown);
        }

        stream.Ascend(links);
        return value;
    }

    private Expression ParseOr() => ParseChain(
        ParseAnd, () => stream.SkipName("or") ? "or" : null, static (_, left, right, offset) => new Junction(IsAnd: false, left, right, offset));

    private Expression ParseAnd() => ParseChain(
        ParseNot, () => stream.SkipName("and") ? "and" : null, static (_, left, right, offset) => new Junction(IsAnd: true, left, right, offset));

    private Expression ParseNot()
    {
        if (!stream.Current.IsName("not")) return ParseComparisons();
        stream.Descend();
        var offset = stream.Next().Offset;
        var negation = new Negation(ParseNot(), offset);
        stream.Ascend();
        return negation;
    }

    private Expression ParseComparisons()
    {
        var offset = stream.Current.Offset;
        var first = ParseSum();
        var rest = new List<(string, Expression)>();
        while (TakeComparison() is { } comparison) rest.Add((comparison, ParseSum()));
        return rest.Count == 0 ? first : new Comparisons(first, [.. rest], offset);
    }

    private string? TakeComparison()
    {
        if (stream.Current is { Kind: TokenKind.Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" }) return stream.Next().Text;
        if (stream.SkipName("in")) return "in";
        if (!stream.Current.IsName("not") || !stream.Following.IsName("in")) return null;
        stream.Next();
        stream.Next();
        return "not in";
    }

    private Expression ParseSum() => ParseChain(ParseConcatenation, () => TakeOperator("+", "-"), Operate);

    private Expression ParseConcatenation()
    {
        var offset = stream.Current.Offset;
        var first = ParseProduct();
        if (!stream.Current.IsOperator("~")) return first;
        var parts = new List<Expression> { first };
        while (stream.SkipOperator("~")) parts.Add(ParseProduct());
        return new Concatenation([.. parts], offset);
    }

    private Expression ParseProduct() => ParseChain(ParsePower, () => TakeOperator("*", "/", "//", "%"), Operate);

    private Expression ParsePower() => ParseChain(() => ParseSign(withFilters: true), () => TakeOperator("**"), Operate);

    private static Expression Operate(string sign, Expression left, Expression right, int offset) => new Operation(sign, left, right, offset);

    private string? TakeOperator(params ReadOnlySpan<string> signs) =>
        stream.Current.Kind == TokenKind.Operator && signs.Contains(stream.Current.Text) ? stream.Next().Text : null;

    // Operators of one rank, from the left.
    private Expression ParseChain(Func<Expression> operand, Func<string?> take, Func<string, Expression, Expression, int, Expression> join)
    {
        var links = 0;
        var left = operand();
        for (var offset = stream.Current.Offset; take() is { } sign; offset = stream.Current.Offset)
        {
            stream.Descend();
            links++;
            left = join(sign, left, operand(), offset);
        }

        stream.Ascend(links);
        return left;
    }

    private Expression ParseSign(bool withFilters)
    {
        var offset = stream.Current.Offset;
        Expression value;
        if (stream.Current is { Kind: TokenKind.Operator, Text: "-" or "+" })
        {
            stream.Descend();
            value = new Sign(stream.Next().Text == "-", ParseSign(withFilters: false), offset);
            stream.Ascend();
        }
        else
        {
            value = ParsePrimary(allowsNamespace: false);
        }

        var links = 0;
        value = ParsePostfix(value, ref links);
        if (withFilters) value = ParseFiltersAndTests(value, ref links);
        stream.Ascend(links);
        return value;
    }
}
