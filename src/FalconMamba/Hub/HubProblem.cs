namespace FalconMamba.Hub;

/// <summary>What kept a model from being found or downloaded.</summary>
public enum HubProblem
{
    /// <summary>There is no such model, or it is private.</summary>
    RepositoryNotFound,

    /// <summary>The model has no such revision.</summary>
    RevisionNotFound,

    /// <summary>The revision has no such file.</summary>
    FileNotFound,

    /// <summary>The model's terms must be accepted on its page first.</summary>
    Gated,

    /// <summary>The hub does not accept the token, or asks for one.</summary>
    Unauthorized,

    /// <summary>The hub was not to be asked, and the cache has not got it.</summary>
    NotCached,

    /// <summary>The hub cannot be reached, or the connection broke again and again.</summary>
    Unreachable,

    /// <summary>The hub wants fewer requests.</summary>
    TooManyRequests,

    /// <summary>The hub answers with a fault, or not as a hub does.</summary>
    BadAnswer,

    /// <summary>What came is not what the hub says the file holds.</summary>
    Damaged,

    /// <summary>The disk has no room.</summary>
    DiskFull,

    /// <summary>The model holds no weights that can be read, or several to choose from.</summary>
    Unsuitable,
}
