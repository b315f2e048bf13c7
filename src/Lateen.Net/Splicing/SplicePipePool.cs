using Lateen.Net.Interop;

namespace Lateen.Net;

/// <summary>The pipes of one reactor that wait for the next bulk transfer.</summary>
/// <remarks>Owner thread only. A pipe is two descriptors and up to 256 KiB of the kernel's memory, so few are kept and none is held while
/// nothing moves.</remarks>
public sealed class SplicePipePool
{
    /// <summary>Empty pipes kept. Count. Hit: a returned pipe is closed.</summary>
    private const int MaxSpare = 16;

    /// <summary>Pipes in use at a time. Count; two per bulk transfer that moves right now. Hit: the transfer copies, which always works.</summary>
    private const int MaxRented = 512;

    private static readonly bool IsBrokenPipeIgnored = IgnoreBrokenPipe();

    private readonly Stack<SplicePipe> _spare = new();

    internal SplicePipePool()
    {
    }

    /// <summary>Pipes in use.</summary>
    public int RentedCount { get; private set; }

    /// <summary>An empty pipe; null when there is none to be had: the caller copies instead.</summary>
    public SplicePipe? TryRent()
    {
        if (RentedCount >= MaxRented || !IsBrokenPipeIgnored)
            return null;
        var pipe = _spare.TryPop(out var spare) ? spare : SplicePipe.TryCreate();
        if (pipe is not null)
            RentedCount++;
        return pipe;
    }

    /// <summary>Takes a pipe back. One that still holds bytes is closed, so that they reach nobody else.</summary>
    public void Return(SplicePipe pipe)
    {
        ArgumentNullException.ThrowIfNull(pipe);
        RentedCount--;
        if (pipe.Buffered == 0 && _spare.Count < MaxSpare)
            _spare.Push(pipe);
        else
            pipe.Close();
    }

    internal void Free()
    {
        while (_spare.TryPop(out var pipe))
            pipe.Close();
    }

    /// <summary>splice(2) knows no MSG_NOSIGNAL: without this a peer that went away would end the process.</summary>
    private static bool IgnoreBrokenPipe() => LibC.Signal(Linux.SignalBrokenPipe, Linux.SignalIgnore) != Linux.SignalError;
}
