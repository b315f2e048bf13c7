using System.Runtime.CompilerServices;
using System.Text;
using Lateen.Net;
using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Listeners.Chains;
using Lateen.Proxy.ProxyProtocol;
using Lateen.Proxy.Tcp;

namespace Lateen.Proxy.Listeners.Detection;

/// <summary>
/// A connection between accept and the choice of its filter chain: takes a PROXY header off, and finds out what the connection carries by
/// looking at its first bytes where they are.
/// </summary>
/// <remarks>
/// <para>Problem: on a port of unknown protocol the client of a server-first protocol (MySQL, SMTP, FTP) is silent until it has heard the
/// server, so waiting for its first bytes is waiting for ever, and waiting for a while first, as proxies do, is a delay that every such
/// connection pays.</para>
/// <para>Choice: if a client that never says a word would get a TCP chain, then the upstream of that chain is dialled at once, beside the
/// looking. Whoever speaks first decides. Client bytes that are HTTP or TLS go to the chain for those; anything else, and any word or end
/// of the server's, makes it TCP over the connection that is already there. No clock is involved, so nothing is added to a server-first
/// protocol but the hop itself. A vain dial is remembered per destination (<see cref="ProtocolMemory"/>), so a port that turns out to be
/// HTTP costs its upstream one connection in a while, not one per client.</para>
/// <para>Where the TCP chain has filters that might refuse, they are asked first, and not before the client has been silent for a grace: a
/// request is the HTTP chain's to judge. Who is admitted has the upstream dialled as above, and still goes where the first word leads.</para>
/// <para>One reactor. While it runs it is a session of its worker, which a drain ends.</para>
/// </remarks>
internal sealed class Inspection : ITransportObserver, IDownstreamSession
{
    /// <summary>
    /// How long a silent client is waited for where clients were seen to speak first, or where the dial failed, before it is taken at its
    /// silence. Milliseconds. Clients that speak first do so in the first round trip or are idle connections kept in store.
    /// </summary>
    public const long GraceMilliseconds = 100;

    /// <summary>
    /// How long a silent client that the TCP chain refuses may still turn out to be one of another chain. Milliseconds. More than the grace:
    /// it outlasts the first retransmissions of a lost request, and nobody waits for a refusal.
    /// </summary>
    private const long RefusalGraceMilliseconds = 1_000;

    /// <summary>A connection on which nobody says anything is not kept for longer than this. Milliseconds; Envoy's TCP idle timeout.</summary>
    private const long MaxSilenceMilliseconds = 3_600_000;

    [ThreadStatic]
    private static ClientHello? _greeting;

    private readonly ProxyWorker _worker;
    private readonly TransportConnection _connection;
    private readonly ListenerVersion _listener;
    private readonly ListenerFilters _filters;
    private readonly ConnectionRecord _record;
    private readonly WaitableSignal _signal = new();
    private readonly ReactorTimer _timer;
    private readonly long _startedAt;
    private long _graceEndsAt = long.MaxValue;
    private long _wordEndsAt = long.MaxValue;
    private bool _isDraining;
    private bool _hasSeenBytes;
    private bool _mustAsk;

    public Inspection(ProxyWorker worker, TransportConnection connection, ListenerVersion listener, ConnectionRecord record)
    {
        _worker = worker;
        _connection = connection;
        _listener = listener;
        _filters = listener.Snapshot.Filters;
        _record = record;
        _startedAt = worker.Reactor.NowMilliseconds;
        _timer = new ReactorTimer(worker.Reactor, static state => ((Inspection)state!)._signal.Wake(), this);
        Facts = null!;
    }

    private enum Look : byte
    {
        Undecided,
        Decided,
        Close,
    }

    public ListenerScope Scope => _listener.Scope;

    /// <summary>What was found out. Set by <see cref="RunAsync"/>.</summary>
    public ConnectionFacts Facts { get; private set; }

    /// <summary>The upstream connection that was begun ahead, for the TCP chain that was chosen in the end; null: none was, or it was in vain.</summary>
    public UpstreamDial? Dial { get; private set; }

    /// <summary>The TCP chain of a client that never speaks, which is who dials and who asks here; null: such a client gets another chain, or none.</summary>
    public ServedChain? SilentChain { get; private set; }

    /// <summary>What the filters of <see cref="SilentChain"/> said, who were asked ahead; null: they were not. Whoever serves that chain ends it.</summary>
    public ChainAdmission? Admission { get; private set; }

    /// <returns>False: the connection is to be closed.</returns>
    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    public async ValueTask<bool> RunAsync()
    {
        _connection.Observer = this;
        _worker.Enter(this);
        _worker.Shard.Increment(_listener.Stats.PreConnectionActive);
        bool goesOn = false;
        try
        {
            Look look = Look.Decided;
            if (_filters.ProxyProtocol is { } options)
            {
                while ((look = ReadProxyHeader(options)) == Look.Undecided && !IsOver(out look)) await _signal.WaitAsync();
            }

            Facts = new ConnectionFacts(_connection);
            _record.TakeAddresses(_connection);
            if (look != Look.Close && _filters.Inspects)
            {
                FindSilentChain();
                while ((look = LookAtBoth()) == Look.Undecided && !IsOver(out look)) await _signal.WaitAsync();
            }

            goesOn = look == Look.Decided;
            return goesOn;
        }
        finally
        {
            _timer.Cancel();
            _connection.Observer = null;
            if (Dial is { Connection: { } dialled }) dialled.Observer = null;
            if (!goesOn)
            {
                DropDial();
                Admission?.End();
            }

            _worker.Leave(this);
            _worker.Shard.Decrement(_listener.Stats.PreConnectionActive);
        }
    }

    /// <summary>A connection on which nobody has spoken is idle.</summary>
    public void BeginDrain()
    {
        _isDraining = true;
        _signal.Wake();
    }

    /// <summary>Woken by all that the inspection waits for; a question of <see cref="Admission"/> that is under way still wakes it.</summary>
    public WaitableSignal Signal => _signal;

    /// <summary>The client was not silent, and goes to another chain than silent ones: what was done for <see cref="SilentChain"/> is undone.</summary>
    public void WithdrawSilence()
    {
        DropDial();
        Admission?.Withdraw();
        Admission = null;
    }

    /// <summary>Nobody uses what was dialled.</summary>
    public void DropDial()
    {
        Dial?.Close();
        Dial = null;
    }

    void ITransportObserver.OnReady(TransportConnection connection) => _signal.Wake();

    /// <summary>Arms the timer for the next deadline, unless one has passed.</summary>
    /// <returns>True when the wait is over; <paramref name="look"/> then says how.</returns>
    private bool IsOver(out Look look)
    {
        look = Look.Close;
        if (_connection.IsClosed || (_isDraining && !_hasSeenBytes)) return true;
        long now = _worker.Reactor.NowMilliseconds;
        long filtersEndAt = _filters.Timeout is { } timeout ? _startedAt + (long)timeout.TotalMilliseconds : long.MaxValue;
        if (now >= filtersEndAt)
        {
            _worker.Shard.Increment(_listener.Stats.PreConnectionTimeout);
            if (!_filters.ContinueOnTimeout) return true;
            look = Look.Decided;
            Facts ??= new ConnectionFacts(_connection);
            return true;
        }

        if (now >= _startedAt + MaxSilenceMilliseconds) return true;
        if (now >= _wordEndsAt)
        {
            look = Undetermined();
            return true;
        }

        if (now >= _graceEndsAt && OnGraceEnded())
        {
            look = Look.Decided;
            return true;
        }

        long wait = Math.Min(Math.Min(filtersEndAt, _startedAt + MaxSilenceMilliseconds), Math.Min(_graceEndsAt, _wordEndsAt));
        _timer.Arm(wait - now);
        return false;
    }

    /// <summary>The client was silent for as long as it was waited for.</summary>
    /// <returns>True: it is taken at its silence.</returns>
    private bool OnGraceEnded()
    {
        _graceEndsAt = long.MaxValue;
        // The upstream cannot be had, or the client may not have it, and it waits: the TCP chain says so.
        if (Dial is not null || Admission is not null) return true;
        if (!_mustAsk)
        {
            BeginDial();
            return false;
        }

        Admission = new ChainAdmission(_worker, _record, SilentChain!);
        Admission.TryBegin();
        // What the filters say is looked at in the next round, like everything else.
        _signal.Wake();
        return false;
    }

    private Look ReadProxyHeader(ProxyProtocolOptions options)
    {
        using NativeBuffer buffer = _worker.Reactor.Buffers.Rent(BufferSize.Small);
        IoResult seen = _connection.Peek(buffer.Span);
        if (seen.Status == IoStatus.WouldBlock) return Look.Undecided;
        if (!seen.IsOk) return Look.Close;
        _hasSeenBytes = true;
        ReadOnlySpan<byte> bytes = buffer.Span[..seen.Bytes];
        switch (ProxyHeaderReader.Read(bytes, out ProxyHeader header))
        {
            case ProxyHeaderStatus.NeedMore:
                return _connection.IsPeerClosed ? Look.Close : Look.Undecided;
            case ProxyHeaderStatus.None:
                _listener.Counters.ProxyHeaderMissing(_worker.Shard, !options.IsRequired);
                return options.IsRequired ? Look.Close : Look.Decided;
            case ProxyHeaderStatus.Malformed:
                _listener.Counters.ProxyHeaderMalformed(_worker.Shard, bytes[0] == 'P');
                return Look.Close;
        }

        bool isAllowed = !options.Disallowed.Contains(header.Version);
        _listener.Counters.ProxyHeaderFound(_worker.Shard, header.Version, isAllowed);
        if (!isAllowed) return Look.Close;
        IoResult taken = _connection.Read(buffer.Span[..header.Octets]);
        if (!taken.IsOk || taken.Bytes != header.Octets) return Look.Close;
        if (header.Source is { } source && header.Destination is { } destination) _connection.AssumeAddresses(source, destination);
        return Look.Decided;
    }

    /// <summary>A client that never speaks: does it get a TCP chain, so that its upstream may be dialled, or its filters asked, ahead of any word?</summary>
    private void FindSilentChain()
    {
        if (_listener.Chains.Find(Facts) is not { Tcp: not null, Snapshot.DownstreamTls: null } chain) return;
        SilentChain = chain;
        _mustAsk = !MayDialAhead(chain);
        if (_mustAsk || _listener.MemoryOf(_worker).IsClientFirst(_connection.LocalEndPoint, _worker.Reactor.NowMilliseconds))
            _graceEndsAt = _startedAt + GraceMilliseconds;
    }

    /// <summary>A filter that may refuse the connection has to be asked before an upstream is bothered.</summary>
    private bool MayDialAhead(ServedChain chain)
    {
        foreach (NetworkFilter filter in chain.Filters)
        {
            if (!filter.MayDialAhead(_connection)) return false;
        }

        return true;
    }

    private Look LookAtBoth()
    {
        Look look = LookAtClient();
        if (look != Look.Undecided || SilentChain is null) return look;
        if (Dial is null)
        {
            // Also for a client whose bytes say nothing yet: the server's word may be what it waits for.
            if (_graceEndsAt == long.MaxValue && IsAdmitted()) BeginDial();
            return Look.Undecided;
        }

        if (!Dial.IsDone) return Look.Undecided;
        if (Dial.Connection is { } upstream)
        {
            upstream.Observer = this;
            if (upstream.CanRead && HasServerSpoken(upstream)) return TakeForTcp();
            if (!upstream.IsPeerClosed) return Look.Undecided;
        }

        // Refused, or ended without a word. A client that speaks first may lead elsewhere; one that waits shall hear of it.
        if (_graceEndsAt == long.MaxValue) _graceEndsAt = _worker.Reactor.NowMilliseconds + GraceMilliseconds;
        return Look.Undecided;
    }

    /// <summary>The filters of the TCP chain have nothing against the connection, as far as they had to be asked.</summary>
    private bool IsAdmitted()
    {
        if (!_mustAsk) return true;
        AdmissionState state = Admission!.Advance(_signal);
        if (state == AdmissionState.Refused) _graceEndsAt = Math.Max(_startedAt + RefusalGraceMilliseconds, _worker.Reactor.NowMilliseconds);
        return state == AdmissionState.Admitted;
    }

    private void BeginDial()
    {
        Dial = new UpstreamDial(_worker, SilentChain!.Tcp!);
        Dial.Begin(_signal, _connection.RemoteEndPoint, _connection.LocalEndPoint);
    }

    private bool HasServerSpoken(TransportConnection upstream)
    {
        Span<byte> one = stackalloc byte[1];
        // What TLS has decrypted cannot be put back; the dial keeps it for the session.
        return upstream.CanPeek ? upstream.Peek(one).IsOk : Dial!.TryReadAhead();
    }

    private Look TakeForTcp()
    {
        _listener.MemoryOf(_worker).Forget(_connection.LocalEndPoint);
        return Look.Decided;
    }

    private Look LookAtClient()
    {
        if (!_connection.CanRead) return Look.Undecided;
        BufferSize size = BufferSize.Medium;
        while (true)
        {
            using NativeBuffer buffer = _worker.Reactor.Buffers.Rent(size);
            IoResult seen = _connection.Peek(buffer.Span);
            if (seen.Status == IoStatus.WouldBlock) return Look.Undecided;
            // A client that ends its half before it said anything may still want to hear a server.
            if (seen.Status == IoStatus.EndOfStream) return SilentChain is not null ? Look.Decided : Look.Close;
            if (!seen.IsOk) return Look.Close;
            _hasSeenBytes = true;
            bool isFull = seen.Bytes == buffer.Length;
            Look look = Judge(buffer.Span[..seen.Bytes], isFull && size == BufferSize.Large);
            if (look != Look.Undecided) return look;
            // What will not come cannot change the picture.
            if (_connection.IsPeerClosed && !isFull) return Undetermined();
            if (!isFull || size == BufferSize.Large) return Look.Undecided;
            size = BufferSize.Large;
        }
    }

    private Look Judge(ReadOnlySpan<byte> bytes, bool isAtLimit)
    {
        if (_filters.TlsInspector is { } options)
        {
            ClientHello greeting = _greeting ??= new ClientHello();
            ClientHelloStatus status = ClientHelloParser.Parse(bytes, greeting);
            if (status == ClientHelloStatus.NeedMore && bytes.Length < options.MaxGreetingOctets) return Look.Undecided;
            bool isTooLarge = status == ClientHelloStatus.NeedMore || (status == ClientHelloStatus.Complete && greeting.WireBytes > options.MaxGreetingOctets);
            if (status == ClientHelloStatus.Complete && !isTooLarge) return TakeForTls(greeting);
            _listener.Counters.TlsNotFound(_worker.Shard, isTooLarge);
            if (status != ClientHelloStatus.NotTls && options.ClosesOnMalformedGreeting) return Look.Close;
        }

        if (_filters.HttpInspector)
        {
            SniffedProtocol sniffed = HttpSniffer.Sniff(bytes, isAtLimit);
            if (sniffed == SniffedProtocol.NeedMore && !isAtLimit) return Look.Undecided;
            if (sniffed == SniffedProtocol.Unlikely)
            {
                // A word of its own may be all that a client says before it wants an answer. It is waited for once, whatever follows.
                if (_wordEndsAt == long.MaxValue) _wordEndsAt = _worker.Reactor.NowMilliseconds + GraceMilliseconds;
                return Look.Undecided;
            }

            _listener.Counters.Http(_worker.Shard, sniffed);
            if (sniffed is SniffedProtocol.Http10 or SniffedProtocol.Http11 or SniffedProtocol.Http2)
            {
                Facts.ApplicationProtocols = [sniffed switch { SniffedProtocol.Http10 => "http/1.0", SniffedProtocol.Http11 => "http/1.1", _ => "h2c" }];
                return TakeForClientFirst();
            }
        }

        return TakeForTcp();
    }

    private Look TakeForTls(ClientHello greeting)
    {
        Facts.TransportProtocol = ConnectionFacts.Tls;
        Facts.ServerName = Encoding.ASCII.GetString(greeting.ServerName);
        var protocols = new List<string>();
        foreach (ReadOnlySpan<byte> protocol in greeting.Alpn) protocols.Add(Encoding.Latin1.GetString(protocol));
        Facts.ApplicationProtocols = [.. protocols];
        _listener.Counters.TlsFound(_worker.Shard, greeting);
        return TakeForClientFirst();
    }

    private Look TakeForClientFirst()
    {
        // Only where the bytes lead to another chain was the dial in vain.
        if (SilentChain is not null && !ReferenceEquals(_listener.Chains.Find(Facts), SilentChain))
            _listener.MemoryOf(_worker).NoteClientFirst(_connection.LocalEndPoint, _worker.Reactor.NowMilliseconds);
        return Look.Decided;
    }

    private Look Undetermined()
    {
        if (_filters.HttpInspector) _listener.Counters.Http(_worker.Shard, SniffedProtocol.NotHttp);
        return TakeForTcp();
    }
}
