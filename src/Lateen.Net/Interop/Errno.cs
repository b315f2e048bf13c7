using System.Runtime.InteropServices;

namespace Lateen.Net.Interop;

/// <summary>Error numbers of Linux (asm-generic, so x64 and arm64 alike), and the reading of the last one.</summary>
internal static class Errno
{
    internal const int None = 0;
    internal const int NotPermitted = 1;
    internal const int Interrupted = 4;
    internal const int BadDescriptor = 9;
    internal const int Again = 11;
    internal const int NoMemory = 12;
    internal const int AccessDenied = 13;
    internal const int Fault = 14;
    internal const int InvalidArgument = 22;
    internal const int SystemFileTableFull = 23;
    internal const int ProcessFileTableFull = 24;
    internal const int BrokenPipe = 32;
    internal const int Protocol = 71;
    internal const int NotSocket = 88;
    internal const int NotSupported = 95;
    internal const int AddressInUse = 98;
    internal const int AddressNotAvailable = 99;
    internal const int NetworkDown = 100;
    internal const int NetworkUnreachable = 101;
    internal const int ConnectionAborted = 103;
    internal const int ConnectionReset = 104;
    internal const int NoBuffers = 105;
    internal const int NotConnected = 107;
    internal const int TimedOut = 110;
    internal const int ConnectionRefused = 111;
    internal const int HostDown = 112;
    internal const int HostUnreachable = 113;
    internal const int InProgress = 115;
    internal const int NoEntry = 2;
    internal const int Canceled = 125;

    /// <summary>
    /// The calling thread's errno. The runtime keeps it over the return from a P/Invoke, also when a collection waits there, so it is
    /// the failed call's as long as nothing else was called in between.
    /// </summary>
    internal static int Last => Marshal.GetLastSystemError();
}
