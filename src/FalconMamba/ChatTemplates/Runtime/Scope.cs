namespace FalconMamba.ChatTemplates.Runtime;

/// <summary>Variables, and those around them.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, object?> _variables = new(StringComparer.Ordinal);

    /// <summary>Sets a variable here.</summary>
    public void Set(string name, object? value) => _variables[name] = value;

    /// <summary>Looks for a variable here and further out.</summary>
    public bool TryGet(string name, out object? value)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
            if (scope._variables.TryGetValue(name, out value)) return true;
        value = null;
        return false;
    }

    private Scope? Outer => outer;
}
