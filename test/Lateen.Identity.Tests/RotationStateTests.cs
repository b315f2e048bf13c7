using Lateen.Identity.Rotation;
using Lateen.Identity.Signing;

namespace Lateen.Identity.Tests;

/// <summary>The replacement of a root from stage to stage, and the reserve of time that certificates have. A whole mesh grows old by it in the proxy's tests.</summary>
public sealed class RotationStateTests
{
    private static readonly DateTimeOffset Birth = new(2026, 11, 29, 0, 0, 0, TimeSpan.Zero);

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

    /// <summary>Through the file's bytes, as after a kill.</summary>
    private static AuthorityState Kept(AuthorityState state) =>
        AuthorityState.Read(state.ToJson(), out string? reason) ?? throw new InvalidOperationException(reason);

    private static SigningSnapshot Read(AuthorityState state)
    {
        Assert.True(RootRotation.TryRead(state, [], out var snapshot, out string? reason), reason);
        return snapshot;
    }
}
