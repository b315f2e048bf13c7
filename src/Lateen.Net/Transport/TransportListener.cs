using System.Diagnostics.CodeAnalysis;
using System.Net;
using Lateen.Net.Interop;

namespace Lateen.Net;

/// <summary>
/// A listening socket on one reactor. Each accepted connection gets a call of the handler, which is the connection's whole life: when its
/// task ends, the connection is disposed; when it fails, that is reported as unhandled and the connection is aborted.
/// </summary>
/// <remarks>
/// <para>Level-triggered, unlike connections: accepting is bounded per turn, and what is left is reported again.</para>
/// <para>Errors of accept are sorted in three tiers: fatal ends the listener; pressure (EMFILE, ENFILE, ENOBUFS, ENOMEM) pauses it for
/// 100 ms, doubled up to 5 s while it lasts, since an immediate retry would spin; transient ones go on with the next connection.</para>
/// <para><see cref="Start"/>, <see cref="Pause"/>, <see cref="Resume"/> and <see cref="Close"/> may be called from any thread.</para>
/// </remarks>
public sealed unsafe class TransportListener : IPollTarget
{
    /// <summary>Accepts per listener and turn. Count. Hit: the rest comes with the next turn, after established connections had theirs.</summary>
    private const int MaxAcceptsPerTurn = 16;

    private const int ClosedDescriptor = -1;

    private readonly ListenerOptions _options;
    private readonly Func<TransportConnection, ValueTask> _handler;
    private readonly ReactorTimer _backoff;
    private readonly EndPoint? _acceptedLocal;
    private readonly bool _ownsSocketFile;
    private ulong _pollKey;
    private int _descriptor;
    private int _backoffMilliseconds;
    private int _openConnections;
    private PauseReasons _pauses;
    private bool _isRegistered;

    private TransportListener(
        Reactor reactor, int descriptor, EndPoint local, ListenerOptions options, Func<TransportConnection, ValueTask> handler, bool ownsSocketFile)
    {
        Reactor = reactor;
        LocalEndPoint = local;
        _descriptor = descriptor;
        _options = options;
        _handler = handler;
        _ownsSocketFile = ownsSocketFile;
        _backoff = new ReactorTimer(reactor, static state => ((TransportListener)state!).Unpause(PauseReasons.Pressure), this);
        // A socket bound to one address gives that address to all it accepts, unless a packet filter or TPROXY changed it.
        var isWildcard = local is IPEndPoint { Address: var address } && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
        _acceptedLocal = isWildcard || options.Transparent ? null : local;
    }

    [Flags]
    private enum PauseReasons
    {
        None = 0,
        Asked = 1,
        Pressure = 2,
        MaxConnections = 4,
    }

    public Reactor Reactor { get; }

    /// <summary>The address as bound: with the port that the kernel chose, if 0 was asked.</summary>
    public EndPoint LocalEndPoint { get; }

    /// <summary>Connections accepted here and open now. Owner thread.</summary>
    public int OpenConnections => _openConnections;

    /// <summary>Not accepting at the moment, for whatever reason. Owner thread.</summary>
    public bool IsPaused => _pauses != PauseReasons.None;

    public bool IsClosed => _descriptor == ClosedDescriptor;

    TransportConnection? IPollTarget.AsConnection => null;

    /// <summary>Seam for tests of the accept loop: an error number to meet instead of calling accept4; 0 or null calls it.</summary>
    internal Func<int>? AcceptFault { get; set; }

    /// <summary>
    /// Makes a socket, binds it and listens; from any thread. Nothing is accepted before <see cref="Start"/>, but clients can connect.
    /// </summary>
    public static ListenResult<TransportListener> Bind(
        Reactor reactor, EndPoint endPoint, ListenerOptions options, Func<TransportConnection, ValueTask> handler)
    {
        ArgumentNullException.ThrowIfNull(reactor);
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(handler);
        var errno = Open(endPoint, options, out var descriptor);
        if (errno != Errno.None)
            return Failure(errno);
        var local = endPoint is IPEndPoint ? NativeSocket.LocalAddress(descriptor) : endPoint;
        return new(new TransportListener(reactor, descriptor, local, options, handler, IsFile(endPoint, options)), TransportError.None, Errno.None);
    }

    /// <summary>
    /// Why <see cref="Bind"/> would fail now: it binds, listens and closes before it returns, so the address is as free afterwards as it was
    /// before. From any thread.
    /// </summary>
    public static (TransportError Error, int ErrorNumber) Probe(IPEndPoint endPoint, ListenerOptions options)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(options);
        var errno = Open(endPoint, options, out var descriptor);
        if (errno != Errno.None)
            return (TransportErrors.FromErrno(errno), errno);
        LibC.Close(descriptor);
        return (TransportError.None, Errno.None);
    }

    /// <summary>Begins to accept.</summary>
    public void Start() => OnReactor(static listener => listener.Register());

    /// <summary>Stops accepting; clients wait in the backlog.</summary>
    public void Pause() => OnReactor(static listener => listener.Suspend(PauseReasons.Asked));

    /// <summary>Takes <see cref="Pause"/> back.</summary>
    public void Resume() => OnReactor(static listener => listener.Unpause(PauseReasons.Asked));

    /// <summary>Closes the listening socket; connections that it accepted live on. Clients still in the backlog are reset. Idempotent.</summary>
    public void Close() => OnReactor(static listener => listener.CloseOnReactor());

    /// <summary>As <see cref="Close"/>.</summary>
    /// <returns>Completes when the address is free for the next listener.</returns>
    public Task CloseAsync()
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        OnReactor(listener =>
        {
            listener.CloseOnReactor();
            closed.TrySetResult();
        });
        // A reactor that ends has closed its listeners without running what was posted to it.
        return IsClosed ? Task.CompletedTask : Task.WhenAny(closed.Task, Reactor.Completion);
    }

    /// <summary>A second listener on the same socket for another reactor; for unix sockets, which cannot share an address otherwise.</summary>
    internal ListenResult<TransportListener> ShareWith(Reactor reactor)
    {
        var descriptor = LibC.Duplicate(_descriptor);
        return descriptor < 0
            ? Failure(Errno.Last)
            : new(new TransportListener(reactor, descriptor, LocalEndPoint, _options, _handler, ownsSocketFile: false), TransportError.None, Errno.None);
    }

    internal void CloseOnReactor()
    {
        if (IsClosed)
            return;
        var descriptor = _descriptor;
        _descriptor = ClosedDescriptor;
        _backoff.Cancel();
        if (_isRegistered)
        {
            // Explicit, because the socket may live on through a duplicate of the descriptor, and its registration with it.
            Reactor.Epoll.Remove(descriptor);
            Reactor.Polls.Remove(_pollKey);
            Reactor.RemoveListener(this);
            _isRegistered = false;
        }

        LibC.Close(descriptor);
        if (_ownsSocketFile)
            NativeSocket.Unlink(((UnixSocketEndPoint)LocalEndPoint).Path);
    }

    internal void OnConnectionClosed()
    {
        _openConnections--;
        _options.Budget?.Return();
        Unpause(PauseReasons.MaxConnections);
    }

    void IPollTarget.Break() => CloseOnReactor();

    void IPollTarget.OnEvents(uint events)
    {
        for (var i = 0; i < MaxAcceptsPerTurn && !IsClosed && !IsPaused; i++)
        {
            if (!AcceptOne())
                return;
        }
    }

    private static bool IsFile(EndPoint endPoint, ListenerOptions options) => endPoint is UnixSocketEndPoint { IsAbstract: false } && options.ReplaceSocketFile;

    /// <summary>A descriptor that is bound and listens, or an error number and none.</summary>
    private static int Open(EndPoint endPoint, ListenerOptions options, out int descriptor)
    {
        descriptor = ClosedDescriptor;
        Span<byte> address = stackalloc byte[SocketAddressCodec.MaxBytes];
        if (SocketAddressCodec.Write(endPoint, address, out var family) == 0)
            return Errno.InvalidArgument;
        var opened = NativeSocket.Create(family, out var errno);
        if (opened < 0)
            return errno;
        if (IsFile(endPoint, options))
            NativeSocket.RemoveStaleSocketFile((UnixSocketEndPoint)endPoint);
        errno = Configure(opened, family, options);
        if (errno == Errno.None)
            errno = NativeSocket.Bind(opened, endPoint);
        if (errno == Errno.None && LibC.Listen(opened, options.Backlog) != 0)
            errno = Errno.Last;
        if (errno == Errno.None)
            descriptor = opened;
        else
            LibC.Close(opened);
        return errno;
    }

    private static ListenResult<TransportListener> Failure(int errno) => new(null, TransportErrors.FromErrno(errno), errno);

    private static int Configure(int descriptor, int family, ListenerOptions options)
    {
        if (family == Linux.AddressFamilyUnix)
            return Errno.None;
        var errno = NativeSocket.SetOption(descriptor, Linux.LevelSocket, Linux.ReuseAddress, 1);
        if (errno == Errno.None && options.ReusePort)
            errno = NativeSocket.SetOption(descriptor, Linux.LevelSocket, Linux.ReusePort, 1);
        if (errno == Errno.None && options.NoDelay)
            errno = NativeSocket.SetOption(descriptor, Linux.LevelTcp, Linux.TcpNoDelay, 1);
        if (errno == Errno.None && options.KeepAlive is { } keepAlive)
            errno = NativeSocket.SetKeepAlive(descriptor, keepAlive);
        var isV6 = family == Linux.AddressFamilyInet6;
        var level = isV6 ? Linux.LevelIpv6 : Linux.LevelIp;
        if (errno == Errno.None && isV6)
            errno = NativeSocket.SetOption(descriptor, level, Linux.Ipv6Only, options.Ipv4Compatible ? 0 : 1);
        if (errno == Errno.None && options.FreeBind)
            errno = NativeSocket.SetOption(descriptor, level, isV6 ? Linux.Ipv6FreeBind : Linux.IpFreeBind, 1);
        if (errno == Errno.None && options.Transparent)
            errno = NativeSocket.SetOption(descriptor, level, isV6 ? Linux.Ipv6Transparent : Linux.IpTransparent, 1);
        return errno;
    }

    private void OnReactor(Action<TransportListener> action)
    {
        if (Reactor.Current == Reactor)
        {
            action(this);
            return;
        }

        var posted = Reactor.Post(static state =>
        {
            var (listener, work) = ((TransportListener, Action<TransportListener>))state!;
            work(listener);
        }, (this, action));
        // The reactor has ended and with it all that listened there; one that was never started still holds its socket.
        if (!posted && !_isRegistered && _descriptor != ClosedDescriptor)
        {
            LibC.Close(_descriptor);
            _descriptor = ClosedDescriptor;
        }
    }

    private void Register()
    {
        if (IsClosed || _isRegistered)
            return;
        if (Reactor.IsDraining)
        {
            CloseOnReactor();
            return;
        }

        _pollKey = Reactor.Polls.Add(this);
        var errno = Reactor.Epoll.Add(_descriptor, WantedEvents(), _pollKey);
        if (errno != Errno.None)
        {
            Reactor.Polls.Remove(_pollKey);
            CloseOnReactor();
            ThrowRegistrationFailed(errno);
        }

        _isRegistered = true;
        Reactor.AddListener(this);
    }

    /// <summary>Returns false when the loop should end for this turn.</summary>
    private bool AcceptOne()
    {
        var address = stackalloc byte[SocketAddressCodec.MaxBytes];
        uint addressBytes = SocketAddressCodec.MaxBytes;
        var errno = AcceptFault?.Invoke() ?? Errno.None;
        var descriptor = -1;
        if (errno == Errno.None)
        {
            descriptor = LibC.Accept4(_descriptor, address, &addressBytes, Linux.SockNonBlock | Linux.SockCloseOnExec);
            errno = descriptor < 0 ? Errno.Last : Errno.None;
        }

        if (errno != Errno.None)
            return OnAcceptError(errno);
        _backoffMilliseconds = 0;
        if (_options.Budget?.TryTake() == false)
        {
            LibC.Close(descriptor);
            _options.Refused?.Invoke(Reactor);
            return true;
        }

        var remote = SocketAddressCodec.Read(new ReadOnlySpan<byte>(address, (int)addressBytes));
        var connection = SocketConnection.Open(Reactor, descriptor, remote, _acceptedLocal, isConnected: true, this, out errno);
        if (connection is null)
        {
            _options.Budget?.Return();
            return OnAcceptError(errno);
        }

        Reactor.Counters.AcceptedCount++;
        if (++_openConnections >= _options.MaxConnections)
            Suspend(PauseReasons.MaxConnections);
        Reactor.RunConnection(_handler, connection);
        return true;
    }

    private bool OnAcceptError(int errno)
    {
        switch (AcceptErrors.Classify(errno))
        {
            case AcceptErrorTier.Drained:
                return false;
            case AcceptErrorTier.Transient:
                Reactor.Counters.AcceptTransientCount++;
                return true;
            case AcceptErrorTier.Pressure:
                Reactor.Counters.AcceptPressureCount++;
                _backoffMilliseconds = Math.Clamp(
                    _backoffMilliseconds * 2, AcceptErrors.MinBackoffMilliseconds, AcceptErrors.MaxBackoffMilliseconds);
                Suspend(PauseReasons.Pressure);
                _backoff.Arm(_backoffMilliseconds);
                return false;
            default:
                Reactor.Counters.AcceptFatalCount++;
                CloseOnReactor();
                throw new InvalidOperationException($"Accepting on {LocalEndPoint} failed with errno {errno}; the listener is closed.");
        }
    }

    private void Suspend(PauseReasons reason)
    {
        if (IsClosed)
            return;
        var wasPaused = IsPaused;
        _pauses |= reason;
        if (!wasPaused && _isRegistered)
            Reactor.Epoll.Modify(_descriptor, WantedEvents(), _pollKey);
    }

    private void Unpause(PauseReasons reason)
    {
        if (IsClosed || (_pauses & reason) == 0)
            return;
        _pauses &= ~reason;
        if (!IsPaused && _isRegistered)
            Reactor.Epoll.Modify(_descriptor, WantedEvents(), _pollKey);
    }

    private uint WantedEvents() => IsPaused ? 0 : Linux.EpollIn;

    [DoesNotReturn]
    private void ThrowRegistrationFailed(int errno) =>
        throw new InvalidOperationException($"Listening on {LocalEndPoint} cannot be watched: epoll_ctl failed with errno {errno}.");
}
