using Lateen.Net.Interop;

namespace Lateen.Net;

/// <summary>
/// A kernel pipe through which bytes go from one socket to another without being copied into this process (splice(2)).
/// </summary>
/// <remarks>Owner thread only. Rented from <see cref="Reactor.SplicePipes"/>; moved by <see cref="TransportConnection.SpliceInto"/> and
/// <see cref="TransportConnection.SpliceFrom"/>.</remarks>
public sealed unsafe class SplicePipe
{
    /// <summary>
    /// Octets that the kernel is asked to let a pipe hold: 64 pages. A page slot holds a whole fragment of a large segment, so more than
    /// this may pass at once. Larger pipes were not faster on loopback, and the kernel bounds what all pipes of a user hold (64 MiB).
    /// </summary>
    private const int WantedOctets = 256 * 1024;

    private SplicePipe(int readEnd, int writeEnd)
    {
        ReadEnd = readEnd;
        WriteEnd = writeEnd;
    }

    /// <summary>Octets that were put in and not yet taken out.</summary>
    public int Buffered { get; internal set; }

    internal int ReadEnd { get; }

    internal int WriteEnd { get; }

    /// <summary>Null when the system has no descriptor left.</summary>
    internal static SplicePipe? TryCreate()
    {
        var ends = stackalloc int[2];
        if (LibC.Pipe(ends, Linux.PipeNonBlock | Linux.PipeCloseOnExec) != 0)
            return null;
        // Refused beyond the user's share of pipe memory; the pipe then keeps the 64 KiB that it was born with.
        LibC.FileControl(ends[1], Linux.SetPipeSize, WantedOctets);
        return new SplicePipe(ends[0], ends[1]);
    }

    internal void Close()
    {
        LibC.Close(ReadEnd);
        LibC.Close(WriteEnd);
    }
}
