using System.Runtime.CompilerServices;

namespace FalconMamba.ChatTemplates.Runtime;

/// <summary>
/// What is left of the limits of one rendering. Comparing and hashing values happens inside collections too, where nothing can
/// be handed over, so the budget belongs to the thread that renders.
/// </summary>
internal sealed class Budget(ChatTemplateLimits limits)
{
    [ThreadStatic]
    private static Budget? _ofThread;

    private long _steps, _built;
    private int _depth;

    /// <summary>The budget of the rendering on this thread; outside of one, a fresh one.</summary>
    public static Budget Current => _ofThread ??= new Budget(new ChatTemplateLimits());

    /// <summary>Makes a budget the thread's; dispose the result to put the former one back.</summary>
    public static Use Enter(Budget? budget)
    {
        var former = _ofThread;
        _ofThread = budget;
        return new Use(former);
    }

    /// <summary>Counts work: one for each expression, and one for each 64 characters or 16 items that are looked at.</summary>
    public void Step(long count = 1)
    {
        _steps += count;
        if (_steps > limits.MaxSteps) throw Fault.Limit($"the template takes more than {limits.MaxSteps} steps");
    }

    /// <summary>Counts what is built, before it is.</summary>
    public void Build(long length)
    {
        _built += length;
        if (length > limits.MaxLength) throw Fault.Limit($"a text or list of the template is longer than {limits.MaxLength}");
        if (_built > limits.MaxBuilt) throw Fault.Limit($"the template builds more than {limits.MaxBuilt} characters");
    }

    /// <summary>Checks a growing text.</summary>
    public void CheckLength(long length)
    {
        if (length > limits.MaxLength) throw Fault.Limit($"a text of the template is longer than {limits.MaxLength}");
    }

    /// <summary>Counts items of a list, before they are stored.</summary>
    public void BuildItems(long count) => Build(count * 4);

    /// <summary>Checks that the stack holds a further level of nested values or nodes.</summary>
    public static void EnsureStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw Fault.Limit("the template or its values are nested too deep");
    }

    /// <summary>Begins a macro, a call block or a recursive loop.</summary>
    public void Descend()
    {
        if (++_depth > limits.MaxDepth) throw Fault.Limit($"macros or loops call each other more than {limits.MaxDepth} levels deep");
        EnsureStack();
    }

    /// <summary>Ends what <see cref="Descend"/> began.</summary>
    public void Ascend() => _depth--;

    /// <summary>Puts the former budget back.</summary>
    internal readonly struct Use(Budget? former) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => _ofThread = former;
    }
}
