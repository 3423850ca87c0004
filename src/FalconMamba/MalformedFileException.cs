using FalconMamba.Formats;

namespace FalconMamba;

/// <summary>
/// A file does not hold what its format promises. The message is one sentence that names the file, the place in it
/// and what was expected there.
/// </summary>
public sealed class MalformedFileException : IOException
{
    // Places and expectations quote the file, which may hold anything.
    private const int LongestPlace = 200, LongestExpectation = 1000;

    /// <summary>Creates the error for one place in one file.</summary>
    /// <param name="file">The file's path or name.</param>
    /// <param name="place">Where in the file: a byte offset, a key, a tensor's name.</param>
    /// <param name="expectation">What was expected there, and what was found, without a final full stop.</param>
    /// <param name="innerException">The error that led here, if any.</param>
    public MalformedFileException(string file, string place, string expectation, Exception? innerException = null)
        : base($"{file}: {Excerpt.Of(place, LongestPlace)}: {Excerpt.Of(expectation, LongestExpectation)}.", innerException)
    {
        File = file;
        Place = Excerpt.Of(place, LongestPlace);
        Expectation = Excerpt.Of(expectation, LongestExpectation);
    }

    /// <summary>The file's path or name.</summary>
    public string File { get; }

    /// <summary>Where in the file: a byte offset, a key, a tensor's name.</summary>
    public string Place { get; }

    /// <summary>What was expected there, and what was found.</summary>
    public string Expectation { get; }
}
