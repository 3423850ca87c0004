using FalconMamba.Kernels;

namespace FalconMamba.Model;

/// <summary>
/// Moves a state from before its last chunk over some of the chunk's tokens again, by convolution and scan alone: the same
/// kernels over the same numbers, so the same bits.
/// </summary>
internal static class ScanReplay
{
    /// <summary>Puts the state behind the first tokens of the chunk.</summary>
    /// <param name="model">The state's model.</param>
    /// <param name="workspace">Room for some tokens or all of them.</param>
    /// <param name="state">The state, in nobody else's hands.</param>
    /// <param name="kept">What it keeps of the chunk.</param>
    /// <param name="count">How many tokens; at least one.</param>
    public static void Run(FalconMambaModel model, Workspace workspace, RecurrentState state, KeptScan kept, int count)
    {
        var (kernels, layers, _) = model.Prepared;
        for (var first = 0; first < count; first += workspace.Capacity)
        {
            var rows = Math.Min(count - first, workspace.Capacity);
            workspace.Segments[0] = first == 0 ? state.SegmentFrom(kept, 0, rows) : state.Segment(0, rows);
            for (var i = 0; i < layers.Length; i++)
            {
                kernels.CausalConvolution(workspace.Segments, 1, i, kept.U(i, first), workspace.X, layers[i].Convolution, rows, state.PaddedWidth);
                // What the scan gives is not wanted, so its gate and C may be anything.
                var (dt, b) = (kept.Dt(i, first), kept.B(i, first));
                kernels.SelectiveScan(workspace.Segments, 1, i, new ScanActivations(workspace.X, dt, dt, b, b), layers[i].Scan, rows, state.PaddedWidth);
            }
        }
    }
}
