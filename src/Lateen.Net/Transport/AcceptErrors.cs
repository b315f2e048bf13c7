using Lateen.Net.Interop;

namespace Lateen.Net;

/// <summary>What an error of accept means for the listener.</summary>
internal enum AcceptErrorTier
{
    /// <summary>The queue is empty; the normal end of the loop.</summary>
    Drained,

    /// <summary>It concerned one pending connection, or nothing at all: try the next at once.</summary>
    Transient,

    /// <summary>The process or the system is out of something that only time or closing connections brings back: wait, longer each time.</summary>
    Pressure,

    /// <summary>The listening socket itself is wrong: accepting again cannot help.</summary>
    Fatal,
}

/// <summary>Sorts errors of accept4 in tiers, after accept(2).</summary>
internal static class AcceptErrors
{
    /// <summary>First pause under pressure. Milliseconds; doubled by each failure in a row up to <see cref="MaxBackoffMilliseconds"/>.</summary>
    internal const int MinBackoffMilliseconds = 100;

    internal const int MaxBackoffMilliseconds = 5000;

    internal static AcceptErrorTier Classify(int errno) => errno switch
    {
        Errno.Again => AcceptErrorTier.Drained,
        Errno.ProcessFileTableFull or Errno.SystemFileTableFull or Errno.NoBuffers or Errno.NoMemory => AcceptErrorTier.Pressure,
        Errno.BadDescriptor or Errno.InvalidArgument or Errno.NotSocket or Errno.NotSupported or Errno.Fault => AcceptErrorTier.Fatal,
        // ECONNABORTED, EINTR, EPERM of a firewall, EPROTO, and the network errors that Linux hands over from the new socket.
        _ => AcceptErrorTier.Transient,
    };
}
