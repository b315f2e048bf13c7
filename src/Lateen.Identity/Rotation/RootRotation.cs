using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;
using Lateen.Identity.Signing;

namespace Lateen.Identity.Rotation;

/// <summary>
/// The replacement of a root without one refused handshake. Three facts carry it. (1) The new root is trusted by all before it signs anything. (2) Once it
/// signs, each leaf comes with the new root's key under the old root's signature, so a proxy that was away when the bundle changed believes it as well.
/// (3) The old root is dropped when nothing that it signed is valid any more, anywhere, whatever the clocks say. Pure: state in, state out; the caller keeps it.
/// </summary>
public static class RootRotation
{
    /// <summary>The state of an authority that has just been made.</summary>
    public static AuthorityState First(TrustDomain trustDomain, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(trustDomain);
        return new AuthorityState(1, trustDomain.Name, RotationStage.Settled, NewRoot(trustDomain, now), null, null, now, now, now);
    }

    /// <summary>Settled to Distributing: makes the new root.</summary>
    /// <exception cref="InvalidOperationException">A replacement runs already.</exception>
    public static AuthorityState Begin(AuthorityState state, DateTimeOffset now)
    {
        Require(state, RotationStage.Settled);
        return state with { Stage = RotationStage.Distributing, Other = NewRoot(TrustDomain.Parse(state.TrustDomain), now), Since = now, OtherIssuedUntil = now };
    }

    /// <summary>Distributing to Retiring: the new root signs from here on. Call it when every connected proxy has acknowledged the bundle of two roots.</summary>
    /// <exception cref="InvalidOperationException">The state is another.</exception>
    public static AuthorityState Promote(AuthorityState state, DateTimeOffset now)
    {
        Require(state, RotationStage.Distributing);
        using var old = Load(state.Current);
        using var next = Load(state.Other!);
        using var cross = old.CrossSign(next, now);
        return state with
        {
            Stage = RotationStage.Retiring,
            Current = state.Other!,
            Other = state.Current,
            CrossCertificate = cross.ExportCertificatePem(),
            Since = now,
            IssuedUntil = now,
            OtherIssuedUntil = state.IssuedUntil,
        };
    }

    /// <summary>When the old root may be dropped: after its last leaf has ended by any clock.</summary>
    public static DateTimeOffset FinishesAt(AuthorityState state)
    {
        Require(state, RotationStage.Retiring);
        return state.OtherIssuedUntil + 2 * LeafLifetime.ClockSkew;
    }

    /// <summary>Retiring to Settled: drops the old root and its key.</summary>
    /// <exception cref="InvalidOperationException">The state is another, or it is too early.</exception>
    public static AuthorityState Finish(AuthorityState state, DateTimeOffset now)
    {
        if (now < FinishesAt(state)) throw new InvalidOperationException($"leaves of the old root are valid until {state.OtherIssuedUntil:u}");
        return state with { Stage = RotationStage.Settled, Other = null, CrossCertificate = null, Since = now, OtherIssuedUntil = now };
    }

    /// <summary>
    /// The state that must be kept before a leaf that ends at <paramref name="notAfter"/> may leave; the same object when it says enough already. It is rounded up
    /// to the hour, so that a busy authority writes once an hour and not once a leaf.
    /// </summary>
    public static AuthorityState Reserve(AuthorityState state, DateTimeOffset notAfter)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (notAfter <= state.IssuedUntil) return state;
        long hours = (notAfter.UtcTicks + TimeSpan.TicksPerHour - 1) / TimeSpan.TicksPerHour;
        return state with { IssuedUntil = new DateTimeOffset(hours * TimeSpan.TicksPerHour, TimeSpan.Zero) };
    }

    /// <summary>What the state means for whoever signs and whoever trusts.</summary>
    /// <param name="aliases">Further trust domains that peers may be of.</param>
    /// <returns>False with the reason when the state's certificates or keys cannot be read.</returns>
    public static bool TryRead(
        AuthorityState state, ImmutableArray<TrustDomain> aliases, [NotNullWhen(true)] out SigningSnapshot? snapshot, [NotNullWhen(false)] out string? reason)
    {
        ArgumentNullException.ThrowIfNull(state);
        snapshot = null;
        if (!TrustDomain.TryParse(state.TrustDomain, out var domain, out reason)) return false;
        if (!SigningAuthority.TryLoad(state.Current.Certificate, state.Current.Key, null, out var signer, out reason)) return false;
        var roots = new List<X509Certificate2> { signer.Certificate };
        if (state.Other is { } other)
        {
            if (!PemCertificates.TryRead(other.Certificate, 1, out var others, out reason)) return false;
            roots.Add(others[0]);
        }

        if (state.CrossCertificate is { } crossPem)
        {
            if (!PemCertificates.TryRead(crossPem, 1, out var cross, out reason)) return false;
            signer = signer.WithIntermediates(cross);
        }

        if (!TrustBundle.TryCreate([domain, .. aliases], roots, out var bundle, out reason)) return false;
        snapshot = new SigningSnapshot(signer, bundle);
        return true;
    }

    private static AuthorityRecord NewRoot(TrustDomain trustDomain, DateTimeOffset now)
    {
        using var root = SigningAuthority.CreateRoot(trustDomain, now);
        return new AuthorityRecord(root.Certificate.ExportCertificatePem(), root.ExportPrivateKeyPem());
    }

    private static SigningAuthority Load(AuthorityRecord record) =>
        SigningAuthority.TryLoad(record.Certificate, record.Key, null, out var authority, out string? reason) ? authority : throw new InvalidOperationException(reason);

    private static void Require(AuthorityState state, RotationStage stage)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Stage != stage) throw new InvalidOperationException($"the rotation is {state.Stage}, not {stage}");
    }
}
