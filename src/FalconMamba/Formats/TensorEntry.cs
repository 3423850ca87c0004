using System.Collections.Immutable;

namespace FalconMamba.Formats;

/// <summary>One tensor to be written: declared first, its bytes asked for when its turn comes.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Type">How its elements are stored.</param>
/// <param name="Shape">Its dimensions, outermost first; empty for a scalar.</param>
/// <param name="Write">Writes exactly the bytes of that shape, row-major and little-endian, to the given stream.</param>
public sealed record TensorEntry(string Name, TensorType Type, ImmutableArray<long> Shape, Action<Stream> Write);
