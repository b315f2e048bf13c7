namespace Lateen.Net.Interop;

/// <summary>Numbers of the Linux ABI, equal on x64 and arm64 (asm-generic). Named as the kernel's headers name them, in PascalCase.</summary>
internal static class Linux
{
    internal const int AddressFamilyUnix = 1;
    internal const int AddressFamilyInet = 2;
    internal const int AddressFamilyInet6 = 10;

    internal const int SockStream = 1;
    internal const int SockNonBlock = 0x800;
    internal const int SockCloseOnExec = 0x80000;

    internal const int LevelSocket = 1;
    internal const int ReuseAddress = 2;
    internal const int SocketError = 4;
    internal const int KeepAlive = 9;
    internal const int Linger = 13;
    internal const int ReusePort = 15;

    internal const int LevelIp = 0;
    internal const int IpFreeBind = 15;
    internal const int IpTransparent = 19;
    internal const int OriginalDestination = 80;

    internal const int LevelTcp = 6;
    internal const int TcpNoDelay = 1;
    internal const int TcpKeepIdle = 4;
    internal const int TcpKeepInterval = 5;
    internal const int TcpKeepCount = 6;

    internal const int LevelIpv6 = 41;
    internal const int Ipv6Only = 26;
    internal const int Ipv6Transparent = 75;
    internal const int Ipv6FreeBind = 78;

    internal const int MessagePeek = 2;
    internal const int MessageNoSignal = 0x4000;
    internal const int ShutdownWrite = 1;

    internal const int PipeNonBlock = 0x800;
    internal const int PipeCloseOnExec = 0x80000;
    internal const int SetPipeSize = 1031;
    internal const uint SpliceMove = 1;
    internal const uint SpliceNonBlock = 2;
    internal const int SignalBrokenPipe = 13;
    internal const nint SignalIgnore = 1;
    internal const nint SignalError = -1;

    internal const int CurrentDirectory = -100;
    internal const int StatNoFollow = 0x100;
    internal const uint StatTypeMask = 1;
    internal const int StatResultBytes = 256;
    internal const int StatModeOffset = 28;
    internal const int FileTypeMask = 0xF000;
    internal const int FileTypeSocket = 0xC000;

    internal const int EpollCloseOnExec = 0x80000;
    internal const int EpollAdd = 1;
    internal const int EpollDelete = 2;
    internal const int EpollModify = 3;
    internal const uint EpollIn = 0x1;
    internal const uint EpollOut = 0x4;
    internal const uint EpollError = 0x8;
    internal const uint EpollHangUp = 0x10;
    internal const uint EpollReadHangUp = 0x2000;
    internal const uint EpollEdgeTriggered = 1u << 31;

    internal const int ClockMonotonic = 1;
    internal const int TimerNonBlock = 0x800;
    internal const int TimerCloseOnExec = 0x80000;

    internal const int EventNonBlock = 0x800;
    internal const int EventCloseOnExec = 0x80000;
}
