namespace FalconMamba.Hub;

/// <summary>A model at one commit, with the list of its files.</summary>
/// <param name="Id">The model.</param>
/// <param name="Revision">The branch, tag or commit that was asked for.</param>
/// <param name="Commit">The commit that it stands for, 40 hexadecimal digits.</param>
/// <param name="Files">All its files.</param>
public sealed record HubModel(HubModelId Id, string Revision, string Commit, IReadOnlyList<HubFile> Files);
