using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Filtering;

/// <summary>Filters that compare items; letters in either case are alike unless the template says otherwise.</summary>
internal static class OrderFilters
{
    /// <summary><c>sort</c>.</summary>
    public static ListValue Sort(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("sort", "reverse?", "case_sensitive?", "attribute?");
        var paths = AttributePath.ParseAll(bound[2]);
        var isCaseSensitive = bound.Flag(1);
        return new ListValue(Comparison.Sort(
            Sequences.ToList(value), item => paths is [var single] ? single.KeyOf(item, isCaseSensitive) : new ListValue([.. paths.Select(path => path.KeyOf(item, isCaseSensitive))]), bound.Flag(0)));
    }

    /// <summary><c>dictsort</c>.</summary>
    public static ListValue DictSort(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("dictsort", "case_sensitive?", "by?", "reverse?");
        var by = bound.Text(1, "key").Value;
        if (by is not ("key" or "value")) throw Fault.Runtime("dictsort sorts by \"key\" or by \"value\"");
        if (value is not DictValue dict) throw Fault.Unfit("a dict to sort", value);
        var pairs = dict.Items.Select(static item => (object?)new TupleValue(item.Key, item.Value));
        var isCaseSensitive = bound.Flag(0);
        return new ListValue(Comparison.Sort(pairs, pair => AttributePath.IgnoreCase(((TupleValue)pair!).Items[by == "key" ? 0 : 1], isCaseSensitive), bound.Flag(2)));
    }

    /// <summary><c>unique</c>.</summary>
    public static GeneratorValue Unique(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("unique", "case_sensitive?", "attribute?");
        return new GeneratorValue(EachUnique(value, AttributePath.Parse(bound[1]), bound.Flag(0)));
    }

    /// <summary><c>min</c> and <c>max</c>.</summary>
    public static object? Extreme(object? value, Arguments arguments, string name)
    {
        var bound = arguments.Bind(name, "case_sensitive?", "attribute?");
        var path = AttributePath.Parse(bound[1]);
        object? best = null, bestKey = null;
        var isFirst = true;
        foreach (var item in Sequences.Items(value))
        {
            Budget.Current.Step();
            var key = path.KeyOf(item, bound.Flag(0));
            if (!isFirst && !(name == "min" ? Comparison.Order(key, bestKey) < 0 : Comparison.Order(key, bestKey) > 0)) continue;
            (best, bestKey, isFirst) = (item, key, false);
        }

        return isFirst ? new Undefined("no item to choose, the sequence is empty") : best;
    }

    /// <summary><c>groupby</c>.</summary>
    public static ListValue GroupBy(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("groupby", "attribute", "default?", "case_sensitive?");
        var path = AttributePath.Parse(bound[0], bound[1]);
        var isCaseSensitive = bound.Flag(2);
        var groups = new List<object?>();
        object? key = null;
        List<object?>? members = null;
        foreach (var item in Comparison.Sort(Sequences.ToList(value), item => path.KeyOf(item, isCaseSensitive)))
        {
            var itemKey = path.KeyOf(item, isCaseSensitive);
            if (members is null || !Comparison.AreEqual(key, itemKey))
            {
                members = [];
                key = itemKey;
                groups.Add(new TupleValue(isCaseSensitive ? key : path.Of(item), new ListValue(members)) { Names = ["grouper", "list"] });
            }

            members.Add(item);
        }

        return new ListValue(groups);
    }

    private static IEnumerable<object?> EachUnique(object? value, AttributePath path, bool isCaseSensitive)
    {
        var seen = new DictValue();
        foreach (var item in Sequences.Items(value))
        {
            Budget.Current.Step();
            var key = path.KeyOf(item, isCaseSensitive);
            if (seen.TryGet(key, out _)) continue;
            seen.Set(key, null);
            yield return item;
        }
    }
}
