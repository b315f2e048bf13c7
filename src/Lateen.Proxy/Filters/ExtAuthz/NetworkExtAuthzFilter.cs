using Envoy.Service.Auth.V3;
using Lateen.Net;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.SubRequests;
using Lateen.Proxy.Listeners;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>
/// <c>envoy.filters.network.ext_authz</c>: asks a service by gRPC whether a connection may be served, when its handshake is over and before a byte of it goes
/// anywhere, and waits for the answer. Who gives no answer has said no, unless the configuration wants it otherwise.
/// </summary>
/// <remarks>
/// Envoy asks at the client's first byte and lets the server's through meanwhile; here nothing moves in either direction until somebody has said yes, as with the
/// network filter of access rules (ADR 0024).
/// </remarks>
internal sealed record NetworkExtAuthzFilter(string Name, string TypeUrl) : NetworkFilter(Name, TypeUrl)
{
    private static readonly DynamicMetadata NoMetadata = new();

    /// <summary>Under which a service's metadata stand.</summary>
    private static ReadOnlySpan<byte> MetadataNamespace => "envoy.filters.network.ext_authz"u8;

    internal required GrpcCheck Check { get; init; }

    /// <summary>Which connections are asked about; null: all.</summary>
    internal MetadataGate? Gate { get; init; }

    internal bool IncludesPeerCertificate { get; init; }

    internal bool IncludesTlsSession { get; init; }

    /// <summary>Connections pass when the service gives no answer (<c>failure_mode_allow</c>).</summary>
    internal bool AllowsOnFailure { get; init; }

    internal required NetworkExtAuthzStats Stats { get; init; }

    /// <summary>Nobody knows yet what the service will say.</summary>
    public override bool MayDialAhead(TransportConnection connection) => false;

    public override ConnectionQuestion? Ask(ProxyWorker worker, ConnectionRecord record)
    {
        if (Gate is null || Gate.IsOpen(record.Metadata ?? NoMetadata)) return new Question(this, worker, record);
        worker.Shard.Increment(Stats.Disabled);
        return null;
    }

    /// <summary>One question about one connection.</summary>
    private sealed class Question(NetworkExtAuthzFilter filter, ProxyWorker worker, ConnectionRecord record) : ConnectionQuestion
    {
        private readonly SubRequest _call = new(worker);

        public override bool IsOver => _call.State != SubRequestState.Running;

        public override void Start(WakeSignal owner)
        {
            worker.Shard.Increment(filter.Stats.Total);
            worker.Shard.Increment(filter.Stats.Active);
            // Without its cluster the call is not begun, which is no answer.
            if (worker.Snapshots.Current.FindCluster(filter.Check.Cluster) is not { } cluster) return;
            var request = new CheckRequest
            {
                Attributes = PeerAttributes.Of(record.Remote, record.Local, record.Tls, filter.IncludesPeerCertificate, filter.IncludesTlsSession),
            };
            ReadOnlyMemory<byte> content = filter.Check.Write(_call, request);
            _call.Start(cluster, content, filter.Check.TimeoutMilliseconds, AuthorizationCall.MaxAnswerOctets, owner);
        }

        public override bool Conclude()
        {
            CheckResponse? response = _call.State == SubRequestState.Complete ? GrpcCheck.Read(_call) : null;
            _call.Cancel();
            worker.Shard.Decrement(filter.Stats.Active);
            if (response?.DynamicMetadata is { } metadata) MetadataMessages.Read(metadata, (record.Metadata ??= new DynamicMetadata()).Open(MetadataNamespace));
            if (response is null)
            {
                worker.Shard.Increment(filter.Stats.Error);
                if (filter.AllowsOnFailure) worker.Shard.Increment(filter.Stats.FailureModeAllowed);
                return filter.AllowsOnFailure || Refuse(ExtAuthzFilter.ErrorDetails);
            }

            bool isAllowed = (response.Status?.Code ?? 0) == 0;
            worker.Shard.Increment(isAllowed ? filter.Stats.Ok : filter.Stats.Denied);
            return isAllowed || Refuse(ExtAuthzFilter.DeniedDetails);
        }

        public override void Abandon()
        {
            _call.Cancel();
            worker.Shard.Decrement(filter.Stats.Active);
        }

        /// <returns>False.</returns>
        private bool Refuse(string details)
        {
            worker.Shard.Increment(filter.Stats.ConnectionsClosed);
            record.Flags |= ResponseFlags.UnauthorizedExternalService;
            record.TerminationDetails = details;
            return false;
        }
    }
}
