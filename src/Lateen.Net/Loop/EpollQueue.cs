using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lateen.Net.Interop;

namespace Lateen.Net;

/// <summary>
/// An epoll descriptor with the event that wakes it, and the array that events are read into.
/// </summary>
/// <remarks>
/// struct epoll_event is <c>[events u32][data u64]</c>, packed to 12 bytes on x64 and aligned to 16 elsewhere (sys/epoll.h).
/// <see cref="Wake"/> may be called from any thread, all else is the owner's.
/// </remarks>
internal sealed unsafe class EpollQueue : IDisposable
{
    /// <summary>Events taken per turn. Count. Hit: the rest comes with the next turn. 256 entries are 3 KiB, which stay in the first-level cache.</summary>
    private const int Capacity = 256;

    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EntryBytes = DataOffset + sizeof(ulong);

    private readonly byte* _events;
    private readonly int _epoll;
    private readonly int _wake;

    internal EpollQueue(ulong wakeKey)
    {
        _epoll = LibC.EpollCreate(Linux.EpollCloseOnExec);
        if (_epoll < 0)
            throw new InvalidOperationException($"epoll_create1 failed with errno {Errno.Last}; is the descriptor limit (ulimit -n) reached?");
        _wake = LibC.EventDescriptor(0, Linux.EventNonBlock | Linux.EventCloseOnExec);
        if (_wake < 0)
        {
            var errno = Errno.Last;
            LibC.Close(_epoll);
            throw new InvalidOperationException($"eventfd failed with errno {errno}; is the descriptor limit (ulimit -n) reached?");
        }

        _events = (byte*)NativeMemory.AllocZeroed((nuint)(Capacity * EntryBytes));
        // Edge-triggered: each write is an edge, so the counter is never read, which saves a system call per wake.
        Add(_wake, Linux.EpollIn | Linux.EpollEdgeTriggered, wakeKey);
    }

    /// <summary>Zero, or the error number.</summary>
    internal int Add(int descriptor, uint events, ulong key) => Control(Linux.EpollAdd, descriptor, events, key);

    internal int Modify(int descriptor, uint events, ulong key) => Control(Linux.EpollModify, descriptor, events, key);

    internal int Remove(int descriptor) => Control(Linux.EpollDelete, descriptor, 0, 0);

    /// <summary>Sleeps until something is ready; the count of events. A signal counts as none.</summary>
    internal int Wait(int timeoutMilliseconds) => Math.Max(LibC.EpollWait(_epoll, _events, Capacity, timeoutMilliseconds), 0);

    internal uint EventsAt(int index) => Unsafe.ReadUnaligned<uint>(_events + (index * EntryBytes));

    internal ulong KeyAt(int index) => Unsafe.ReadUnaligned<ulong>(_events + (index * EntryBytes) + DataOffset);

    internal void Wake()
    {
        // EAGAIN would need 2^64 wakes. A wake after the end meets a closed descriptor only if the caller ignored Post's answer.
        ulong one = 1;
        LibC.Write(_wake, &one, sizeof(ulong));
    }

    public void Dispose()
    {
        LibC.Close(_wake);
        LibC.Close(_epoll);
        NativeMemory.Free(_events);
    }

    private int Control(int operation, int descriptor, uint events, ulong key)
    {
        var entry = stackalloc byte[16];
        Unsafe.WriteUnaligned(entry, events);
        Unsafe.WriteUnaligned(entry + DataOffset, key);
        return LibC.EpollControl(_epoll, operation, descriptor, entry) == 0 ? 0 : Errno.Last;
    }
}
