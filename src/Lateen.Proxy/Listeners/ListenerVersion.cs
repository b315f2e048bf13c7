using System.Runtime.CompilerServices;
using Lateen.Net;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Listeners.Chains;
using Lateen.Proxy.Listeners.Detection;
using Lateen.Proxy.Statistics;
using Lateen.Proxy.Tcp;
using Lateen.Proxy.Tls;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Listeners;

/// <summary>
/// One version of a listener's configuration, as connections meet it: listener filters, choice of the chain, network filters, TLS, and then
/// the session of the chain's kind.
/// </summary>
/// <remarks>Immutable but for what its reactors have learnt, each for itself. A connection keeps the version under which it was taken.</remarks>
internal sealed class ListenerVersion
{
    private readonly AccessLogger[] _accessLogs;
    private readonly ProtocolMemory?[] _memories;

    /// <summary>Null when no chain has TLS.</summary>
    private readonly TlsStats? _tlsStats;

    /// <summary>The common listener: nothing to look at, nothing to choose, nothing to decrypt.</summary>
    private readonly ServedChain? _plain;

    public ListenerVersion(ListenerSnapshot snapshot, ListenerScope scope, ProxyStatistics statistics, int reactorCount)
    {
        Snapshot = snapshot;
        Scope = scope;
        Chains = new FilterChainTable(snapshot, scope, statistics);
        Stats = ListenerStats.Open(statistics.Registry, snapshot.StatPrefix);
        Counters = new InspectorCounters(snapshot.Filters, statistics.Registry);
        _accessLogs = [.. snapshot.AccessLogs.OfType<AccessLogger>()];
        _memories = new ProtocolMemory?[reactorCount];
        _tlsStats = snapshot.AllChains.Any(static chain => chain.DownstreamTls is not null) ? TlsStats.OpenListener(statistics.Registry, snapshot.StatPrefix) : null;
        bool isPlain = !snapshot.Filters.Inspects && snapshot.Filters.ProxyProtocol is null && _accessLogs.Length == 0;
        _plain = isPlain && Chains.Only is { Filters.Length: 0, Snapshot.DownstreamTls: null } only ? only : null;
    }

    public ListenerSnapshot Snapshot { get; }

    public ListenerScope Scope { get; }

    public FilterChainTable Chains { get; }

    public ListenerStats Stats { get; }

    public InspectorCounters Counters { get; }

    /// <summary>What the calling reactor has learnt behind this listener.</summary>
    public ProtocolMemory MemoryOf(ProxyWorker worker) => _memories[worker.Index] ??= new ProtocolMemory();

    /// <summary>The whole life of a connection.</summary>
    public ValueTask Serve(ProxyWorker worker, TransportConnection connection) => _plain switch
    {
        { Http: { } http } => HttpSessions.Serve(worker, connection, http, facts: null),
        { Tcp: { } tcp } => new TcpSession(worker, connection, tcp, new ConnectionRecord(worker, connection, Snapshot), dial: null).RunAsync(),
        _ => ServeAsync(worker, connection),
    };

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private async ValueTask ServeAsync(ProxyWorker worker, TransportConnection connection)
    {
        var record = new ConnectionRecord(worker, connection, Snapshot);
        try
        {
            await ServeAsync(worker, connection, record);
        }
        finally
        {
            record.EndedAt = worker.Reactor.NowMicroseconds;
            if (record.BytesReceived == 0) record.BytesReceived = connection.BytesRead;
            if (record.BytesSent == 0) record.BytesSent = connection.BytesWritten;
            foreach (AccessLogger log in _accessLogs) log.Write(record, worker.Index);
        }
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private async ValueTask ServeAsync(ProxyWorker worker, TransportConnection connection, ConnectionRecord record)
    {
        Inspection? inspection = null;
        ConnectionFacts facts;
        if (Snapshot.Filters.Inspects || Snapshot.Filters.ProxyProtocol is not null)
        {
            inspection = new Inspection(worker, connection, this, record);
            if (!await inspection.RunAsync()) return;
            facts = inspection.Facts;
        }
        else
        {
            facts = new ConnectionFacts(connection);
        }

        record.ServerName = facts.ServerName;
        ServedChain? chain = Chains.Find(facts);
        if (inspection is not null && !ReferenceEquals(chain, inspection.SilentChain)) inspection.WithdrawSilence();
        if (chain is null)
        {
            record.Flags |= ResponseFlags.NoRouteFound;
            record.TerminationDetails = "filter_chain_not_found";
            worker.Shard.Increment(Stats.NoFilterChainMatch);
            return;
        }

        record.FilterChain = chain.Snapshot;
        await ServeAsync(worker, connection, record, chain, inspection);
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private async ValueTask ServeAsync(
        ProxyWorker worker, TransportConnection connection, ConnectionRecord record, ServedChain chain, Inspection? inspection)
    {
        ChainAdmission? admission = inspection?.Admission;
        bool isBegun = admission is not null;
        admission ??= chain.Filters.Length > 0 ? new ChainAdmission(worker, record, chain) : null;
        try
        {
            if (admission is not null && !isBegun && !admission.TryBegin())
            {
                await RefuseAsync(worker, connection, record, admission);
                return;
            }

            if (chain.Snapshot.DownstreamTls is { } tls)
            {
                TlsOutcome outcome = await tls.AcceptAsync(connection, chain.HandshakeMilliseconds);
                _tlsStats?.Count(worker.Shard, outcome);
                record.TakeTls(outcome);
                if (outcome.IsTimeout) worker.Shard.Increment(Stats.TransportSocketConnectTimeout);
                if (outcome.Connection is null) return;
                connection = outcome.Connection;
            }

            if (admission is not null)
            {
                WaitableSignal signal = inspection?.Signal ?? new WaitableSignal();
                while (admission.Advance(signal) == AdmissionState.Asking) await signal.WaitAsync();
                if (admission.State == AdmissionState.Refused)
                {
                    inspection?.DropDial();
                    await RefuseAsync(worker, connection, record, admission);
                    return;
                }
            }

            if (chain.Tcp is { } tcp) await new TcpSession(worker, connection, tcp, record, inspection?.Dial).RunAsync();
            else await HttpSessions.Serve(worker, connection, chain.Http!, inspection?.Facts);
        }
        finally
        {
            admission?.End();
        }
    }

    /// <summary>Closes a connection that a filter has refused, after the delay that it asks for, and writes it down.</summary>
    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private static async ValueTask RefuseAsync(ProxyWorker worker, TransportConnection connection, ConnectionRecord record, ChainAdmission admission)
    {
        if (admission.DelayMilliseconds > 0) await LingerAsync(worker, connection, admission.DelayMilliseconds);
        record.EndedAt = worker.Reactor.NowMicroseconds;
        foreach (AccessLogger log in admission.Chain.Tcp?.AccessLogs ?? []) log.Write(record, worker.Index);
        connection.Dispose();
    }

    /// <summary>Keeps a refused connection for a while, so that its client does not come back at once.</summary>
    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private static async ValueTask LingerAsync(ProxyWorker worker, TransportConnection connection, long milliseconds)
    {
        var signal = new WaitableSignal();
        var timer = new ReactorTimer(worker.Reactor, static state => ((WakeSignal)state!).Wake(), signal);
        timer.Arm(milliseconds);
        connection.WatchPeerClosed(static state => ((WakeSignal)state!).Wake(), signal);
        if (!connection.IsPeerClosed) await signal.WaitAsync();
        timer.Cancel();
        connection.Unwatch();
    }
}
