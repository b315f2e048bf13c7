using System.Net;
using System.Runtime.InteropServices;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>
/// Judges a peer's certificate: the chain by OpenSSL against the context's trust, names and pins by ourselves, so that the cause of a
/// refusal is known exactly and not guessed from an alert.
/// </summary>
internal sealed unsafe class PeerVerifier
{
    private readonly TlsVerificationOptions _options;
    private readonly byte[][] _certificateHashes;
    private readonly byte[][] _keyHashes;

    internal PeerVerifier(TlsVerificationOptions options)
    {
        _options = options;
        _certificateHashes = [.. options.CertificateHashes.Select(hash => hash.ToArray())];
        _keyHashes = [.. options.PublicKeyHashes.Select(hash => hash.ToArray())];
    }

    /// <summary>Whether a certificate that passes is worth being called trusted.</summary>
    internal bool EstablishesTrust => _options.VerifiesChain || HasPins;

    private bool HasPins => _certificateHashes.Length > 0 || _keyHashes.Length > 0;

    /// <summary>What is wrong with the options themselves; null when nothing is.</summary>
    internal static string? Check(TlsVerificationOptions options)
    {
        foreach (var hash in options.CertificateHashes.Concat(options.PublicKeyHashes))
        {
            if (hash.Length != Sha256.Bytes)
                return $"certificate pins: a hash has {hash.Length} octets, SHA-256 has {Sha256.Bytes}";
        }

        if (options.MaxDepth is < 0 or > 100)
            return $"verify depth: {options.MaxDepth}, must be 0 to 100";
        if (!options.RevocationListsPem.IsEmpty && !options.VerifiesChain)
            return "revocation lists: are of no use without trusted roots";
        if ((options.AcceptsName is not null || options.RefusesNames is not null) && !options.VerifiesChain)
            return "names: without trusted roots anybody can claim any name";
        return null;
    }

    /// <summary>
    /// The whole judgement in the handshake, on OpenSSL's X509_STORE_CTX. Null: accepted; an accepted chain that is not trusted leaves its
    /// error there, where the session remembers it.
    /// </summary>
    internal TlsFailure? VerifyChain(nint verification, TlsClientParameters? parameters, DateTimeOffset now)
    {
        var leaf = LibCrypto.VerificationLeaf(verification);
        if (_options.VerifiesChain)
        {
            LibCrypto.SetVerificationTime(verification, 0, (nint)now.ToUnixTimeSeconds());
            if (_options.AllowExpired)
                LibCrypto.SetVerificationJudge(verification, &AllowExpired);
            if (LibCrypto.Verify(verification) <= 0)
            {
                OpenSsl.TakeError();
                var error = LibCrypto.VerificationError(verification);
                if (_options.AcceptUntrusted)
                    return null;
                return Explain(error);
            }
        }

        var failure = VerifyLeaf(leaf, parameters);
        if (failure is not null)
            LibCrypto.SetVerificationError(verification, VerificationErrors.OfLeaf(failure.Cause));
        else
            LibCrypto.SetVerificationError(verification, VerificationErrors.None);
        return failure;
    }

    /// <summary>What a resumed session skips: the leaf may have expired, and the names that are wanted may be others than the first time.</summary>
    internal TlsFailure? VerifyResumed(nint leaf, TlsClientParameters? parameters, DateTimeOffset now)
    {
        if (_options.VerifiesChain && !_options.AllowExpired && CertificateReader.NotAfterOf(leaf) < now)
            return Explain(VerificationErrors.Expired);
        return VerifyLeaf(leaf, parameters);
    }

    private static TlsFailure Explain(int error) =>
        new(VerificationErrors.CauseOf(error), $"the peer's certificate is refused: {OpenSsl.Text(LibCrypto.VerificationErrorText(error))}");

    [UnmanagedCallersOnly]
    private static int AllowExpired(int isGood, nint verification)
    {
        if (isGood == 1 || LibCrypto.VerificationError(verification) is not (VerificationErrors.Expired or VerificationErrors.NotYetValid))
            return isGood;
        LibCrypto.SetVerificationError(verification, VerificationErrors.None);
        return 1;
    }

    private static bool IsForHost(IReadOnlyList<SubjectAltName> names, string host)
    {
        var address = IPAddress.TryParse(host, out var parsed) ? parsed.ToString() : null;
        foreach (var name in names)
        {
            if (address is null ? name.Kind == SubjectAltNameKind.Dns && DnsName.Matches(name.Value, host)
                : name.Kind == SubjectAltNameKind.IpAddress && name.Value == address)
            {
                return true;
            }
        }

        return false;
    }

    private static bool HasAccepted(IReadOnlyList<SubjectAltName> names, Func<SubjectAltName, bool> accepts)
    {
        foreach (var name in names)
        {
            if (accepts(name))
                return true;
        }

        return false;
    }

    private static bool IsListed(ReadOnlySpan<byte> hash, byte[][] list)
    {
        foreach (var pin in list)
        {
            if (hash.SequenceEqual(pin))
                return true;
        }

        return false;
    }

    private TlsFailure? VerifyLeaf(nint leaf, TlsClientParameters? parameters)
    {
        var host = parameters?.VerifyHost;
        if (host is not null || parameters?.AcceptsName is not null || _options.AcceptsName is not null || _options.RefusesNames is not null)
        {
            var names = CertificateReader.NamesOf(leaf);
            if (_options.RefusesNames?.Invoke(names) is { } refusal)
                return new TlsFailure(TlsFailureCause.NameMismatch, refusal);
            if (host is not null && !IsForHost(names, host))
                return new TlsFailure(TlsFailureCause.NameMismatch, $"the peer's certificate is not for {host}");
            if (_options.AcceptsName is { } accepts && !HasAccepted(names, accepts))
                return new TlsFailure(TlsFailureCause.NameMismatch, "no name of the peer's certificate is accepted");
            if (parameters?.AcceptsName is { } also && !HasAccepted(names, also))
                return new TlsFailure(TlsFailureCause.NameMismatch, "no name of the peer's certificate is accepted");
        }

        return HasPins && !IsPinned(leaf)
            ? new TlsFailure(TlsFailureCause.PinMismatch, "the peer's certificate is not a pinned one")
            : null;
    }

    private bool IsPinned(nint leaf)
    {
        Span<byte> hash = stackalloc byte[Sha256.Bytes];
        if (_certificateHashes.Length > 0)
        {
            CertificateReader.HashCertificate(leaf, hash);
            if (IsListed(hash, _certificateHashes))
                return true;
        }

        if (_keyHashes.Length == 0)
            return false;
        CertificateReader.HashPublicKey(leaf, hash);
        return IsListed(hash, _keyHashes);
    }
}
