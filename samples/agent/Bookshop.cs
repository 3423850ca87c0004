using System.ComponentModel;
using Microsoft.Extensions.AI;

namespace FalconMamba.Samples.Agent;

/// <summary>What the agent can do. The names and descriptions are all that the model knows of it.</summary>
internal static class Bookshop
{
    private static readonly Dictionary<string, (int Copies, decimal Price)> Shelf = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Hamlet"] = (3, 9.50m),
        ["Macbeth"] = (0, 8.00m),
    };

    /// <summary>The functions that a model may call.</summary>
    public static IReadOnlyList<AIFunction> Tools { get; } =
    [
        AIFunctionFactory.Create(CopiesOf, "copies_of"),
        AIFunctionFactory.Create(PriceOf, "price_of"),
    ];

    [Description("How many copies of a book are in the shop.")]
    private static int CopiesOf([Description("The book's title.")] string title) => Shelf.GetValueOrDefault(title).Copies;

    // What a function throws becomes its result, so that the model can try something else.
    [Description("What some copies of a book cost together, in euros.")]
    private static decimal PriceOf([Description("The book's title.")] string title, [Description("How many copies.")] int copies) =>
        Shelf.TryGetValue(title, out var book) ? book.Price * copies : throw new ArgumentException($"There is no book {title}.", nameof(title));
}
