using System.Text.Json;

namespace Lateen.Identity.Rotation;

/// <summary>How far the replacement of the root is.</summary>
public enum RotationStage
{
    /// <summary>One root. No replacement runs.</summary>
    Settled = 0,

    /// <summary>The new root is in the bundle; the old one signs. Ends when every connected proxy has acknowledged the bundle.</summary>
    Distributing = 1,

    /// <summary>The new root signs, and the old one vouches for it; both are in the bundle. Ends when the last leaf of the old root has expired.</summary>
    Retiring = 2,
}

/// <summary>An authority as the state file keeps it. Holds a private key: it goes into that file and nowhere else, and prints nothing.</summary>
public sealed record AuthorityRecord(string Certificate, string Key)
{
    public override string ToString() => "authority with its key";
}

/// <summary>
/// Everything that the embedded authority must not forget, as one value: it is written whole, so that a kill at any moment leaves one stage or the next and
/// nothing in between. Immutable; <see cref="RootRotation"/> makes one from another.
/// </summary>
/// <param name="Version">Of this form: 1.</param>
/// <param name="Current">Who signs.</param>
/// <param name="Other">Distributing: the new root, which waits. Retiring: the old one, which is still trusted. Settled: none.</param>
/// <param name="CrossCertificate">Retiring: the new root's key under the old root's signature, sent with each leaf to peers that know the old root only. PEM.</param>
/// <param name="Since">When the stage began.</param>
/// <param name="IssuedUntil">No leaf that <paramref name="Current"/> has signed lasts longer. Written before the leaf leaves.</param>
/// <param name="OtherIssuedUntil">The same of <paramref name="Other"/>.</param>
public sealed record AuthorityState(
    int Version, string TrustDomain, RotationStage Stage, AuthorityRecord Current, AuthorityRecord? Other, string? CrossCertificate,
    DateTimeOffset Since, DateTimeOffset IssuedUntil, DateTimeOffset OtherIssuedUntil)
{
    /// <summary>The state as the file's bytes.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, IdentityJson.Default.AuthorityState);

    /// <returns>Null with the reason when the bytes are no state of this form.</returns>
    public static AuthorityState? Read(ReadOnlySpan<byte> json, out string? reason)
    {
        reason = "it is damaged, or no state of an authority";
        try
        {
            var state = JsonSerializer.Deserialize(json, IdentityJson.Default.AuthorityState);
            if (state is { Version: not 1 }) reason = $"it is of version {state.Version}, which this release does not know";
            bool isWhole = state is { Version: 1, Current: not null, TrustDomain: not null } && (state.Stage == RotationStage.Settled) == (state.Other is null);
            if (!isWhole) return null;
            reason = null;
            return state;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public override string ToString() => $"{TrustDomain}: {Stage} since {Since:u}";
}
