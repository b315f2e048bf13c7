using System.Net;
using System.Text;
using Lateen.Identity;
using Lateen.Identity.Rotation;
using Lateen.Identity.Signing;
using Lateen.Net;
using Lateen.Net.Certificates;
using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Identity;

/// <summary>
/// A mesh grows old under a fake clock: four workloads whose clocks are off, each with a reactor of its own, shake hands as proxies do, by OpenSSL, at all ages of
/// leaves, intermediates and roots. Whoever speaks to whomever at whatever moment, no handshake may fail.
/// </summary>
public sealed class AgedMeshTests
{
    /// <summary>How often everybody speaks to somebody.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromHours(4);

    /// <summary>How often workloads look whether to renew. Real ones do it each minute.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromMinutes(20);

    private static readonly TimeSpan Outage = TimeSpan.FromHours(20);

    private static readonly DateTimeOffset Birth = new(2026, 11, 29, 0, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Birth);
    private readonly Random _chance = new(20261129);
    private readonly List<string> _failures = [];
    private int _shaken;

    private int Day => (int)(_time.GetUtcNow() - Birth).TotalDays;

    /// <summary>
    /// With what the product's proxies ask for, renew at and draw by chance, a new key at each renewal, an intermediate replaced each month, the root each hundred days
    /// with one proxy away meanwhile, and an authority that is away for 20 hours 31 times, at all phases of all that.
    /// </summary>
    [Fact]
    public async Task Four_hundred_days_of_leaves_intermediates_and_roots_replaced_with_outages_and_wrong_clocks_fail_no_handshake()
    {
        var workloads = new List<Workload>();
        try
        {
            for (int i = 0; i < 4; i++) workloads.Add(new Workload($"w{i}", TimeSpan.FromMinutes(5 * (i % 3 - 1)), _time));
            await GrowOldAsync(workloads);
        }
        finally
        {
            foreach (var workload in workloads) await workload.DisposeAsync();
        }
    }

    private async Task GrowOldAsync(List<Workload> workloads)
    {
        var authority = new Authority();
        var lifetime = LeafLifetime.Asked;
        var state = RootRotation.First(TrustDomain.Default, Birth);
        int rotations = 0, outages = 0;
        DateTimeOffset downUntil = default;
        for (; Day < 400; _time.Advance(Glance))
        {
            var now = _time.GetUtcNow();
            bool isUp = now >= downUntil;
            foreach (var workload in workloads.Where(workload => isUp && !workload.IsAway && now + workload.Skew >= workload.RenewAt))
            {
                state = Kept(RootRotation.Reserve(state, now + lifetime));
                workload.Renew(authority.Of(state, Day / 30, now), lifetime, now, _chance.NextDouble());
            }

            if ((now - Birth).Ticks % Step.Ticks != 0) continue;
            int hour = (int)(now - Birth).TotalHours;
            // Outages begin at all phases of the renewals, one of them in the middle of each stage of a rotation.
            if (Day > 2 && hour % 308 == 0)
            {
                downUntil = now + Outage;
                outages++;
            }

            isUp = now >= downUntil;
            if (Day % 100 == 60 && rotations <= Day / 100 && isUp && state.Stage == RotationStage.Settled)
            {
                // One proxy is away while the new root is distributed and takes office.
                workloads[3].IsAway = true;
                state = Kept(RootRotation.Begin(state, now));
                rotations++;
            }
            else if (isUp && state.Stage == RotationStage.Distributing) state = Kept(RootRotation.Promote(state, now));
            else if (isUp && state.Stage == RotationStage.Retiring && now >= RootRotation.FinishesAt(state)) state = Kept(RootRotation.Finish(state, now));
            if (now - state.Since > TimeSpan.FromHours(9)) workloads[3].IsAway = false;

            var bundle = authority.Of(state, Day / 30, now).Bundle;
            foreach (var workload in workloads.Where(workload => isUp && !workload.IsAway)) workload.Trust(bundle);
            await ShakeAsync(workloads);
        }

        Assert.Empty(_failures);
        Assert.InRange(outages, 30, 33);
        Assert.Equal(4, rotations);
        Assert.InRange(authority.Intermediates, 14, 30);
        Assert.Equal(RotationStage.Settled, state.Stage);
        Assert.InRange(_shaken, 9_000, int.MaxValue);
        Assert.All(workloads, workload => Assert.InRange(workload.Keys, 300, 800));
    }

    private async Task ShakeAsync(List<Workload> workloads)
    {
        int offset = 1 + (_shaken / workloads.Count % (workloads.Count - 1));
        for (int i = 0; i < workloads.Count; i++)
        {
            var (self, peer) = (workloads[i], workloads[(i + offset) % workloads.Count]);
            string? fault = await self.ShakeAsync(peer);
            _shaken++;
            if (fault is not null && _failures.Count < 10) _failures.Add($"day {Day}: {self.Identity.ServiceAccount} and {peer.Identity.ServiceAccount}: {fault}");
        }
    }

    /// <summary>Through the file's bytes, as after a kill.</summary>
    private static AuthorityState Kept(AuthorityState state) =>
        AuthorityState.Read(state.ToJson(), out string? reason) ?? throw new InvalidOperationException(reason);

    /// <summary>A root as the rotation has it, and below it an intermediate, made anew each month and for each root.</summary>
    private sealed class Authority
    {
        private AuthorityRecord? _root;
        private string? _cross;
        private int _month = -1;
        private SigningSnapshot? _snapshot;
        private AuthorityRecord? _other;

        public int Intermediates { get; private set; }

        public SigningSnapshot Of(AuthorityState state, int month, DateTimeOffset now)
        {
            if (_snapshot is not null && _root == state.Current && _other == state.Other && _cross == state.CrossCertificate && _month == month) return _snapshot;
            Assert.True(RootRotation.TryRead(state, [], out var roots, out string? reason), reason);
            var signer = _snapshot?.Signer;
            if (signer is null || _root != state.Current || _cross != state.CrossCertificate || _month != month)
            {
                using var key = SigningAuthority.CreateRoot(TrustDomain.Default, now);
                using var certificate = roots.Signer.CrossSign(key, now);
                string chain = string.Join('\n', roots.Signer.Intermediates.Select(one => one.ExportCertificatePem()));
                Assert.True(SigningAuthority.TryLoad(certificate.ExportCertificatePem(), key.ExportPrivateKeyPem(), chain, out signer, out reason), reason);
                Intermediates++;
            }

            (_root, _other, _cross, _month) = (state.Current, state.Other, state.CrossCertificate, month);
            _snapshot = new SigningSnapshot(signer, roots.Bundle);
            Assert.Null(_snapshot.Fault(now));
            return _snapshot;
        }
    }

    /// <summary>A proxy as far as its handshakes go.</summary>
    private sealed class Workload : IAsyncDisposable
    {
        private readonly Reactor _reactor;
        private readonly TransportListener _listener;
        private TlsServerContext? _server;
        private TlsClientContext? _client;
        private TlsCertificateOptions? _certificate;
        private WorkloadCertificate? _leaf;
        private TrustBundle? _bundle;
        private TaskCompletionSource<TlsResult> _accepted = new();

        public Workload(string name, TimeSpan skew, TimeProvider time)
        {
            Identity = SpiffeId.Create(TrustDomain.Default, "shop", name);
            Skew = skew;
            _reactor = new Reactor(new ReactorOptions { TimeProvider = new SkewedTime(time, skew) });
            _reactor.Start();
            var bound = TransportListener.Bind(_reactor, new IPEndPoint(IPAddress.Loopback, 0), ListenerOptions.Default, AcceptAsync);
            Assert.True(bound.IsBound, $"bind failed: {bound.Error}");
            _listener = bound.Value;
            _listener.Start();
        }

        public SpiffeId Identity { get; }

        /// <summary>How far its clock is off.</summary>
        public TimeSpan Skew { get; }

        public DateTimeOffset RenewAt { get; private set; }

        public bool IsAway { get; set; }

        /// <summary>Keys that it has had.</summary>
        public int Keys { get; private set; }

        /// <summary>A new key and a certificate for it, as its agent asks for them.</summary>
        public void Renew(SigningSnapshot authority, TimeSpan lifetime, DateTimeOffset now, double chance)
        {
            using var key = CertificateKey.TryCreate(CertificateKeyKind.P256, out _)!;
            Assert.True(SigningRequest.TryRead(key.CreateRequest(Identity.Uri), out var request, out string? reason), reason);
            Assert.True(authority.TryIssue(request.PublicKey, Identity, null, lifetime, now, out var certificate, out reason), reason);
            _certificate = new TlsCertificateOptions
            {
                CertificateChainPem = Encoding.ASCII.GetBytes(string.Join('\n', certificate.Chain.Select(one => one.ExportCertificatePem()))),
                PrivateKeyPem = key.ToPem(),
            };
            _leaf = certificate;
            // By the workload's own clock, as its agent reckons.
            RenewAt = RenewalSchedule.RenewAt(now + Skew, certificate.NotAfter, chance);
            Keys++;
            _bundle = null;
            Trust(authority.Bundle);
        }

        public void Trust(TrustBundle bundle)
        {
            if (_bundle == bundle) return;
            _bundle = bundle;
            var verification = new TlsVerificationOptions { TrustedRootsPem = Encoding.ASCII.GetBytes(bundle.ToPem()) };
            // No tickets: a resumed session would skip what is asked here.
            var server = TlsServerContext.Create(new TlsServerOptions
            {
                Certificates = [_certificate!],
                ClientCertificates = TlsClientCertificateMode.Required,
                AllowTickets = false,
                AllowSessionIds = false,
                Verification = verification with { RefusesNames = Rule(isServer: true).Judge },
            });
            var client = TlsClientContext.Create(new TlsClientOptions { Certificates = [_certificate!], MaxSessions = 0, Verification = verification with { RefusesNames = Rule(isServer: false).Judge } });
            Assert.True(server.IsCreated, server.Error);
            Assert.True(client.IsCreated, client.Error);
            _server?.Dispose();
            _client?.Dispose();
            (_server, _client) = (server.Context, client.Context);
        }

        private static MeshPeerRule Rule(bool isServer) => new(
            new TlsContextDefinition { Path = FieldPath.Root, Sources = [], CertificateCount = 0, TrustDomain = TrustDomain.Default.Name }, isServer);

        /// <summary>Shakes hands as the client of a peer.</summary>
        /// <returns>What went wrong at either end, or by the control plane's own verification; null when nothing did.</returns>
        public async Task<string?> ShakeAsync(Workload peer)
        {
            peer._accepted = new TaskCompletionSource<TlsResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            string? client = await _reactor.InvokeAsync(() => ConnectAsync(peer));
            if (client is not null) return $"the client says: {client}";
            var accepted = await peer._accepted.Task;
            if (!accepted.IsEstablished) return $"the server says: {accepted.Failure}";
            var verdict = peer._bundle!.Verify(_leaf!, peer._reactor.TimeProvider.GetUtcNow());
            return verdict.IsTrusted ? null : $"the bundle says: {verdict.Reason}";
        }

        private async ValueTask<string?> ConnectAsync(Workload peer)
        {
            var connected = await TransportConnector.ConnectAsync(_reactor, peer._listener.LocalEndPoint, ConnectOptions.Default);
            if (connected.Connection is not { } transport) return connected.Error.ToString();
            var shaken = await TlsHandshake.ConnectAsync(transport, _client!, TlsClientParameters.None, timeoutMilliseconds: 20_000);
            if (shaken.Connection is not { } connection) return shaken.Failure!.ToString();
            string? fault = connection.Session.PeerCertificate?.SubjectAltNames is [{ Value: { } name }] && name == peer.Identity.Uri ? null : "the server is another";
            // The server judges the client's certificate after the client is done; it reads to the end before it sees this.
            connection.Dispose();
            return fault;
        }

        private async ValueTask AcceptAsync(TransportConnection transport)
        {
            var result = await TlsHandshake.AcceptAsync(transport, _server!, timeoutMilliseconds: 20_000);
            result.Connection?.Dispose();
            _accepted.SetResult(result);
        }

        public async ValueTask DisposeAsync()
        {
            await _reactor.DisposeAsync();
            _server?.Dispose();
            _client?.Dispose();
        }
    }

    /// <summary>A clock that is off.</summary>
    private sealed class SkewedTime(TimeProvider right, TimeSpan skew) : TimeProvider
    {
        public override long TimestampFrequency => right.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => right.GetUtcNow() + skew;

        public override long GetTimestamp() => right.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => right.CreateTimer(callback, state, dueTime, period);
    }
}
