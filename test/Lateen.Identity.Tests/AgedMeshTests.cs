using Lateen.Identity.Rotation;
using Lateen.Identity.Signing;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Identity.Tests;

/// <summary>
/// A mesh grows old under a fake clock, with real keys, real certificates and the framework's own verification: whoever speaks to whomever at whatever moment, no
/// handshake may fail.
/// </summary>
public sealed class AgedMeshTests
{
    /// <summary>How often the mesh is looked at.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromHours(2);

    /// <summary>How often workloads look whether to renew. Real ones do it each minute.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromMinutes(20);

    private static readonly DateTimeOffset Birth = new(2026, 11, 29, 0, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Birth);
    private readonly Random _chance = new(20261129);
    private readonly List<Workload> _workloads = [];
    private readonly List<string> _failures = [];
    private int _verified;

    private sealed class Workload(string name, TimeSpan skew)
    {
        public SpiffeId Identity { get; } = SpiffeId.Create(TrustDomain.Default, "shop", name);

        /// <summary>How far its clock is off.</summary>
        public TimeSpan Skew { get; } = skew;

        /// <summary>Made once: what is aged here is trust, and a key a day would only cost time.</summary>
        public SigningRequest? Request { get; set; }

        public WorkloadCertificate? Certificate { get; set; }

        public TrustBundle? Bundle { get; set; }

        public DateTimeOffset RenewAt { get; set; }

        public bool IsAway { get; set; }
    }

    private int Day => (int)(_time.GetUtcNow() - Birth).TotalDays;

    /// <summary>With what the product's proxies ask for, renew at and draw by chance, and an authority that is away for 20 hours 31 times, at all phases of all that.</summary>
    [Fact]
    public void Four_hundred_days_with_four_root_rotations_outages_of_twenty_hours_and_wrong_clocks_fail_no_verification()
    {
        var lifetime = LeafLifetime.Asked;
        var outage = TimeSpan.FromHours(20);
        int outages = 0;
        var state = RootRotation.First(TrustDomain.Default, Birth);
        var snapshot = Read(state);
        Populate();
        int rotations = 0;
        DateTimeOffset downUntil = default;
        for (; Day < 400; _time.Advance(Glance))
        {
            var now = _time.GetUtcNow();
            bool isUp = now >= downUntil;
            foreach (var workload in _workloads.Where(workload => isUp && !workload.IsAway && now + workload.Skew >= workload.RenewAt))
            {
                state = Kept(RootRotation.Reserve(state, now + lifetime));
                Renew(workload, snapshot, lifetime, now);
            }

            if ((now - Birth).Ticks % Step.Ticks != 0) continue;
            int hour = (int)(now - Birth).TotalHours;
            // Outages begin at all phases of the renewals, one of them in the middle of each stage of a rotation.
            if (Day > 2 && hour % 302 == 0)
            {
                downUntil = now + outage;
                outages++;
            }

            isUp = now >= downUntil;
            if (hour > 0 && Day % 100 == 60 && hour % 24 == 0 && isUp && state.Stage == RotationStage.Settled)
            {
                // One proxy is away while the new root is distributed and takes office.
                _workloads[3].IsAway = true;
                state = Kept(RootRotation.Begin(state, now));
                rotations++;
            }
            else if (isUp && state.Stage == RotationStage.Distributing) state = Kept(RootRotation.Promote(state, now));
            else if (isUp && state.Stage == RotationStage.Retiring && now >= RootRotation.FinishesAt(state)) state = Kept(RootRotation.Finish(state, now));
            if (now - state.Since > TimeSpan.FromHours(9)) _workloads[3].IsAway = false;
            snapshot = Read(state);

            foreach (var workload in _workloads.Where(workload => isUp && !workload.IsAway)) workload.Bundle = snapshot.Bundle;
            VerifyAll(now);
        }

        Assert.Empty(_failures);
        Assert.InRange(outages, 30, 33);
        Assert.Equal(4, rotations);
        Assert.Equal(RotationStage.Settled, state.Stage);
        Assert.InRange(_verified, 15_000, int.MaxValue);
    }

    [Fact]
    public void Four_hundred_days_with_an_intermediate_replaced_each_month_fail_no_verification()
    {
        using var root = SigningAuthority.CreateRoot(TrustDomain.Default, Birth);
        Assert.True(TrustBundle.TryCreate([TrustDomain.Default], [root.Certificate], out var bundle, out _));
        SigningSnapshot? snapshot = null;
        Populate();
        int month = -1;
        for (; Day < 400; _time.Advance(Step))
        {
            var now = _time.GetUtcNow();
            if (Day / 30 != month)
            {
                month = Day / 30;
                using var key = SigningAuthority.CreateRoot(TrustDomain.Default, now);
                using var certificate = root.CrossSign(key, now);
                Assert.True(SigningAuthority.TryLoad(certificate.ExportCertificatePem(), key.ExportPrivateKeyPem(), root.Certificate.ExportCertificatePem(), out var signer, out string? reason), reason);
                snapshot = new SigningSnapshot(signer, bundle);
                Assert.Null(snapshot.Fault(now));
            }

            foreach (var workload in _workloads.Where(workload => now + workload.Skew >= workload.RenewAt)) Renew(workload, snapshot!, LeafLifetime.Default, now);
            VerifyAll(now);
        }

        Assert.Empty(_failures);
    }

    [Theory]
    [InlineData(-5)]
    [InlineData(5)]
    public void At_whatever_moment_the_authority_goes_away_certificates_are_good_for_twenty_hours_more(int skewMinutes)
    {
        var received = Birth + TimeSpan.FromMinutes(skewMinutes);
        var notAfter = Birth + LeafLifetime.Asked;
        var latest = RenewalSchedule.RenewAt(received, notAfter, chance: 1);
        // By the clock of a peer that is wrong the other way.
        Assert.True(notAfter - latest - LeafLifetime.ClockSkew - RenewalSchedule.LongestBackoff >= TimeSpan.FromHours(20), $"{notAfter - latest}");
    }

    [Fact]
    public void A_rotation_survives_a_kill_between_any_two_stages()
    {
        var state = Kept(RootRotation.First(TrustDomain.Default, Birth));
        string first = Read(state).Bundle.Fingerprint;
        state = Kept(RootRotation.Begin(state, Birth));
        Assert.Equal(2, Read(state).Bundle.Roots.Length);
        Assert.Equal(Read(state).Signer.Certificate.Thumbprint, Read(state).Bundle.Roots[0].Certificate.Thumbprint);
        Assert.Throws<InvalidOperationException>(() => RootRotation.Begin(state, Birth));
        state = Kept(RootRotation.Reserve(state, Birth.AddHours(24)));
        state = Kept(RootRotation.Promote(state, Birth.AddHours(1)));
        Assert.Single(Read(state).Signer.Intermediates);
        Assert.Equal(Birth.AddHours(24).AddMinutes(10), RootRotation.FinishesAt(state));
        Assert.Throws<InvalidOperationException>(() => RootRotation.Finish(state, Birth.AddHours(24)));
        state = Kept(RootRotation.Finish(state, Birth.AddHours(25)));
        Assert.Null(state.Other);
        Assert.NotEqual(first, Read(state).Bundle.Fingerprint);
        Assert.Empty(Read(state).Signer.Intermediates);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[1]")]
    public void Damaged_state_is_told(string json)
    {
        Assert.Null(AuthorityState.Read(System.Text.Encoding.UTF8.GetBytes(json), out string? reason));
        Assert.NotNull(reason);
        byte[] whole = RootRotation.First(TrustDomain.Default, Birth).ToJson();
        for (int length = 0; length < whole.Length; length += 7) Assert.Null(AuthorityState.Read(whole.AsSpan(0, length), out _));
    }

    private void Populate()
    {
        for (int i = 0; i < 4; i++)
        {
            var workload = new Workload($"w{i}", TimeSpan.FromMinutes(5 * (i % 3 - 1)));
            using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
            Assert.True(SigningRequest.TryRead(key.CreateRequest(workload.Identity), out var request, out string? reason), reason);
            workload.Request = request;
            _workloads.Add(workload);
        }
    }

    private void Renew(Workload workload, SigningSnapshot snapshot, TimeSpan lifetime, DateTimeOffset now)
    {
        Assert.True(snapshot.TryIssue(workload.Request!.PublicKey, workload.Identity, null, lifetime, now, out var certificate, out string? reason), reason);
        // By the workload's own clock, as its agent reckons.
        workload.RenewAt = RenewalSchedule.RenewAt(now + workload.Skew, certificate.NotAfter, _chance.NextDouble());
        workload.Certificate = certificate;
        workload.Bundle = snapshot.Bundle;
    }

    private void VerifyAll(DateTimeOffset now)
    {
        int offset = 1 + _verified / _workloads.Count % (_workloads.Count - 1);
        for (int i = 0; i < _workloads.Count; i++)
        {
            var (self, peer) = (_workloads[i], _workloads[(i + offset) % _workloads.Count]);
            var verdict = self.Bundle!.Verify(peer.Certificate!, now + self.Skew);
            _verified++;
            if (!verdict.IsTrusted && _failures.Count < 10) _failures.Add($"day {Day}: {self.Identity.ServiceAccount} of {peer.Identity.ServiceAccount}: {verdict.Reason}");
        }
    }

    /// <summary>Through the file's bytes, as after a kill.</summary>
    private static AuthorityState Kept(AuthorityState state) =>
        AuthorityState.Read(state.ToJson(), out string? reason) ?? throw new InvalidOperationException(reason);

    private AuthorityState? _lastRead;
    private SigningSnapshot? _lastSnapshot;

    private SigningSnapshot Read(AuthorityState state)
    {
        if (_lastSnapshot is not null && _lastRead is { } last && last.Current == state.Current && last.Other == state.Other) return _lastSnapshot;
        Assert.True(RootRotation.TryRead(state, [], out var snapshot, out string? reason), reason);
        (_lastRead, _lastSnapshot) = (state, snapshot);
        return snapshot;
    }
}
