namespace FalconMamba.Hub;

/// <summary>How far a download is.</summary>
/// <param name="Bytes">The bytes that are here, those of earlier runs among them.</param>
/// <param name="TotalBytes">The bytes of all files of this download.</param>
/// <param name="Files">The files that are complete.</param>
/// <param name="TotalFiles">All files of this download.</param>
public readonly record struct HubProgress(long Bytes, long TotalBytes, int Files, int TotalFiles);
