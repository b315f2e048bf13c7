using Lateen.Net.Interop;
using Lateen.Net.Tls;

namespace Lateen.Net.Certificates;

/// <summary>Questions about certificates outside a handshake, answered by OpenSSL as it would answer them within one.</summary>
/// <remarks>Pure but for memory; any thread.</remarks>
public static unsafe class CertificateChain
{
    /// <summary>What the certificate may be used for; <see cref="CertificateTraits.None"/> of one that OpenSSL finds malformed.</summary>
    public static CertificateTraits TraitsOf(TlsCertificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        var native = Decode(certificate);
        var flags = LibCrypto.ExtensionFlags(native);
        var traits = CertificateTraits.None;
        if ((flags & LibCrypto.CertificateInvalid) == 0)
        {
            if ((flags & LibCrypto.CertificateOfAuthority) != 0) traits |= CertificateTraits.IsAuthority;
            if ((flags & LibCrypto.CertificateSelfIssued) != 0) traits |= CertificateTraits.IsSelfIssued;
            if ((LibCrypto.KeyUsage(native) & LibCrypto.KeyUsageCertificates) != 0) traits |= CertificateTraits.MaySign;
            if (LibCrypto.CheckPurpose(native, LibCrypto.PurposeClient, 0) == 1) traits |= CertificateTraits.IsForClients;
            if (LibCrypto.CheckPurpose(native, LibCrypto.PurposeServer, 0) == 1) traits |= CertificateTraits.IsForServers;
        }

        LibCrypto.FreeCertificate(native);
        OpenSsl.TakeError();
        return traits;
    }

    /// <summary>Does a root stand behind the chain, at this moment (RFC 5280 section 6)? Nothing is looked up: no network, no revocation lists.</summary>
    /// <param name="chain">The leaf first, its intermediates in any order.</param>
    /// <param name="rootsPem">The only anchors.</param>
    /// <param name="at">When.</param>
    /// <returns>Null: it holds. Else why not, for an operator.</returns>
    public static TlsFailure? Verify(IReadOnlyList<TlsCertificate> chain, ReadOnlyMemory<byte> rootsPem, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(chain);
        ArgumentOutOfRangeException.ThrowIfZero(chain.Count);
        // Shared with the contexts that have the same roots, so it is not ours to free.
        var trust = TrustStore.Get(new TlsVerificationOptions { TrustedRootsPem = rootsPem }, out var error);
        if (trust is null) return new TlsFailure(TlsFailureCause.UnknownAuthority, error!);
        var natives = new List<nint>(chain.Count);
        var others = LibCrypto.NewStack();
        var verification = LibCrypto.NewVerification();
        try
        {
            foreach (var certificate in chain) natives.Add(Decode(certificate));
            foreach (var native in natives[1..]) LibCrypto.Push(others, native);
            if (LibCrypto.InitializeVerification(verification, trust.Handle, natives[0], others) != 1)
                return new TlsFailure(TlsFailureCause.Other, $"OpenSSL does not verify: {OpenSsl.Describe(OpenSsl.TakeError())}");
            LibCrypto.SetVerifyFlags(LibCrypto.VerificationParameters(verification), LibCrypto.FlagPartialChain);
            LibCrypto.SetVerificationTime(verification, 0, (nint)at.ToUnixTimeSeconds());
            if (LibCrypto.Verify(verification) == 1) return null;
            var cause = LibCrypto.VerificationError(verification);
            return new TlsFailure(VerificationErrors.CauseOf(cause), OpenSsl.Text(LibCrypto.VerificationErrorText(cause)));
        }
        finally
        {
            LibCrypto.FreeVerification(verification);
            LibCrypto.FreeStack(others);
            Pem.Free(natives);
            GC.KeepAlive(trust);
            OpenSsl.TakeError();
        }
    }

    /// <summary>The caller's to free. OpenSSL encoded it, so it decodes it.</summary>
    private static nint Decode(TlsCertificate certificate)
    {
        fixed (byte* der = certificate.Der.Span)
        {
            var at = der;
            var native = LibCrypto.DecodeCertificate(0, &at, certificate.Der.Length);
            return native != 0 ? native : throw new InvalidOperationException($"OpenSSL does not decode a certificate that it decoded before: {OpenSsl.Describe(OpenSsl.TakeError())}.");
        }
    }
}
