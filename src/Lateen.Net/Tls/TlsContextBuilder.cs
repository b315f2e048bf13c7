using System.Buffers.Binary;
using System.Text;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>Makes native contexts of options, or says which option is wrong.</summary>
internal static unsafe class TlsContextBuilder
{
    /// <summary>Sessions of clients without tickets that a server context keeps. Count. Hit: the oldest goes. About 1 KB each.</summary>
    private const int MaxServerSessions = 4096;

    /// <summary>RFC 8446 4.6.1: 7 days. Seconds.</summary>
    private const int MaxSessionSeconds = 7 * 24 * 3600;

    private const int MaxClientSessions = 4096;

    private const string DefaultCurves = "X25519:P-256";

    internal static TlsContextHandle? BuildServer(TlsServerOptions options, out string? error)
    {
        error = OpenSsl.Problem ?? CheckServer(options);
        if (error is not null)
            return null;
        var handle = Begin(options, out error);
        if (handle is null)
            return null;
        error = AddTrust(handle, options.Verification);
        if (error is null)
            ConfigureServer(handle, options);
        return Finish(handle, error);
    }

    internal static TlsContextHandle? BuildClient(TlsClientOptions options, out string? error)
    {
        error = OpenSsl.Problem;
        if (error is null && options.MaxSessions is < 0 or > MaxClientSessions)
            error = $"session cache: {options.MaxSessions} sessions, must be 0 to {MaxClientSessions}";
        if (error is not null)
            return null;
        var handle = Begin(options, out error);
        if (handle is null)
            return null;
        error = AddTrust(handle, options.Verification);
        if (error is null)
            ConfigureClient(handle, options);
        return Finish(handle, error);
    }

    /// <summary>ProtocolNameList of RFC 7301 without its own length.</summary>
    internal static byte[] EncodeAlpn(IReadOnlyList<AlpnProtocol> protocols)
    {
        var bytes = new List<byte>();
        foreach (var protocol in protocols)
        {
            bytes.Add((byte)protocol.Bytes.Length);
            bytes.AddRange(protocol.Bytes);
        }

        return [.. bytes];
    }

    private static string? CheckServer(TlsServerOptions options)
    {
        if (options.Certificates.Count == 0)
            return "certificates: a server needs one";
        var lifetime = options.SessionLifetime;
        if (lifetime is not null && (lifetime < TimeSpan.FromSeconds(1) || lifetime > TimeSpan.FromSeconds(MaxSessionSeconds)))
            return $"session lifetime: {lifetime}, must be 1 second to 7 days";
        return null;
    }

    private static string? CheckCommon(TlsOptions options)
    {
        if (options.MinVersion > options.MaxVersion)
            return $"protocol versions: the minimum {options.MinVersion} is above the maximum {options.MaxVersion}";
        var longest = Math.Max(Math.Max(options.Certificates.Count, options.CipherSuites.Count), Math.Max(options.Curves.Count, options.Alpn.Count));
        if (longest > TlsOptions.MaxListed)
            return $"certificates, cipher suites, curves, application protocols: {longest} in one list, at most {TlsOptions.MaxListed} are";
        return PeerVerifier.Check(options.Verification);
    }

    private static TlsContextHandle? Begin(TlsOptions options, out string? error)
    {
        error = CheckCommon(options);
        if (error is not null)
            return null;
        var context = LibSsl.NewContext(LibSsl.Method());
        if (context == 0)
        {
            error = $"OpenSSL makes no context: {OpenSsl.Describe(OpenSsl.TakeError())}";
            return null;
        }

        var handle = new TlsContextHandle(context);
        LibSsl.ControlContext(context, LibSsl.ControlMode, Mode, null);
        // One read takes what has arrived, header and all, instead of one read for each header and one for its record.
        LibSsl.ControlContext(context, LibSsl.ControlReadAhead, 1, null);
        LibSsl.SetContextOptions(context, LibSsl.OptionNoCompression | LibSsl.OptionNoRenegotiation | LibSsl.OptionServerPreference);
        LibSsl.ControlContext(context, LibSsl.ControlMinVersion, (int)options.MinVersion, null);
        LibSsl.ControlContext(context, LibSsl.ControlMaxVersion, (int)options.MaxVersion, null);
        error = CipherNames.Apply(context, options.CipherSuites, options.MaxVersion) ?? ApplyCurves(context, options.Curves)
            ?? AddCertificates(handle, options.Certificates);
        return error is null ? handle : Finish(handle, error);
    }

    private static nint Mode => LibSsl.ModeEnablePartialWrite | LibSsl.ModeAcceptMovingBuffer | LibSsl.ModeNoAutoChain | LibSsl.ModeReleaseBuffers;

    private static TlsContextHandle? Finish(TlsContextHandle handle, string? error)
    {
        OpenSsl.TakeError();
        if (error is null)
            return handle;
        handle.Dispose();
        return null;
    }

    private static string? ApplyCurves(nint context, IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            // One at a time, so that the error can name it. The rest of OpenSSL's syntax is not for configuration.
            if (name.AsSpan().ContainsAnyExcept(CurveCharacters) || !SetCurves(context, name))
            {
                OpenSsl.TakeError();
                return $"curves: \"{name}\" is not a group of this OpenSSL";
            }
        }

        return SetCurves(context, names.Count == 0 ? DefaultCurves : string.Join(':', names))
            ? null
            : $"curves: {OpenSsl.Describe(OpenSsl.TakeError())}";
    }

    private static readonly System.Buffers.SearchValues<char> CurveCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private static bool SetCurves(nint context, string names)
    {
        fixed (byte* start = Encoding.UTF8.GetBytes(names + '\0'))
            return LibSsl.ControlContext(context, LibSsl.ControlGroups, 0, start) == 1;
    }

    private static string? AddCertificates(TlsContextHandle handle, IReadOnlyList<TlsCertificateOptions> options)
    {
        for (var i = 0; i < options.Count; i++)
        {
            var certificate = LoadedCertificate.Load(options[i], out var error);
            if (certificate is null)
                return options.Count == 1 ? error : $"certificate {i + 1} of {options.Count}: {error}";
            var isFirstOfKind = handle.Certificates.All(other => other.KeyKind != certificate.KeyKind);
            handle.Add(certificate);
            if (!isFirstOfKind)
                continue;
            var context = handle.DangerousGetHandle();
            if (LibSsl.UseCertificateAndKey(context, certificate.Certificate, certificate.Key, certificate.Chain, 1) != 1)
            {
                var reason = OpenSsl.Describe(OpenSsl.TakeError());
                return $"certificate {certificate.Details.Subject}: {reason}";
            }
        }

        return null;
    }

    private static string? AddTrust(TlsContextHandle handle, TlsVerificationOptions options)
    {
        if (!options.VerifiesChain)
            return null;
        handle.Trust = TrustStore.Get(options, out var error);
        if (handle.Trust is null)
            return error;
        var context = handle.DangerousGetHandle();
        LibSsl.SetTrustStore(context, handle.Trust.Handle);
        var flags = LibCrypto.FlagPartialChain;
        if (!options.RevocationListsPem.IsEmpty)
            flags |= LibCrypto.FlagRevocation | (options.CheckLeafRevocationOnly ? 0 : LibCrypto.FlagRevocationAll);
        LibCrypto.SetVerifyFlags(LibSsl.VerifyParameters(context), (nuint)flags);
        if (options.MaxDepth is { } depth)
            LibSsl.SetVerifyDepth(context, depth);
        return null;
    }

    private static void ConfigureServer(TlsContextHandle handle, TlsServerOptions options)
    {
        var context = handle.DangerousGetHandle();
        var mode = options.ClientCertificates switch
        {
            TlsClientCertificateMode.Required => LibSsl.VerifyPeer | LibSsl.VerifyFailIfNone,
            TlsClientCertificateMode.Optional => LibSsl.VerifyPeer,
            _ => LibSsl.VerifyNone,
        };
        LibSsl.SetVerify(context, mode, 0);
        LibSsl.SetVerifyChain(context, &TlsCallbacks.VerifyChain, 0);
        foreach (var authority in handle.Trust?.NamedAuthorities ?? [])
            LibSsl.AddClientAuthority(context, authority);
        LibSsl.SetClientHello(context, &TlsCallbacks.ClientHello, 0);
        if (options.Certificates.Count > 1)
            LibSsl.SetChooseCertificate(context, &TlsCallbacks.ChooseCertificate, 0);
        if (options.Alpn.Count > 0)
            LibSsl.SetAlpnSelect(context, &TlsCallbacks.SelectAlpn, 0);
        ConfigureServerSessions(context, options);
    }

    private static void ConfigureServerSessions(nint context, TlsServerOptions options)
    {
        Span<byte> scope = stackalloc byte[Sha256.Bytes];
        HashSessionScope(options, scope);
        fixed (byte* start = scope)
            LibSsl.SetSessionIdContext(context, start, Sha256.Bytes);
        if (options.SessionLifetime is { } lifetime)
            LibSsl.SetSessionTimeout(context, (nint)lifetime.TotalSeconds);
        LibSsl.ControlContext(context, LibSsl.ControlSessionCacheMode,
            options.AllowSessionIds ? LibSsl.SessionCacheServer : LibSsl.SessionCacheOff, null);
        LibSsl.ControlContext(context, LibSsl.ControlSessionCacheSize, MaxServerSessions, null);
        if (options.AllowTickets)
        {
            LibSsl.SetTicketKey(context, &TlsCallbacks.TicketKey);
            _ = LibSsl.SetTicketJudge(context, 0, &TlsCallbacks.TicketOpened, 0);
            return;
        }

        LibSsl.SetContextOptions(context, LibSsl.OptionNoTicket);
        // What TLS 1.3 calls a ticket is a session id then.
        if (!options.AllowSessionIds)
            LibSsl.SetTicketCount(context, 0);
    }

    /// <summary>
    /// A session is resumed only where clients are judged alike: ticket keys that are shared must not carry a client past a list of trusted
    /// roots that it never faced.
    /// </summary>
    private static void HashSessionScope(TlsServerOptions options, Span<byte> scope)
    {
        var trust = options.Verification;
        var content = new List<byte>
        {
            (byte)options.ClientCertificates,
            (byte)(trust.UseSystemRoots ? 1 : 0),
            (byte)(trust.CheckLeafRevocationOnly ? 1 : 0),
            (byte)(trust.AllowExpired ? 1 : 0),
            (byte)(trust.AcceptUntrusted ? 1 : 0),
            (byte)(trust.MaxDepth ?? 255),
        };
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var part in (ReadOnlySpan<ReadOnlyMemory<byte>>)
            [trust.TrustedRootsPem, trust.RevocationListsPem, .. trust.CertificateHashes, .. trust.PublicKeyHashes])
        {
            BinaryPrimitives.WriteInt32BigEndian(length, part.Length);
            content.AddRange(length);
            content.AddRange(part.Span);
        }

        Sha256.Hash([.. content], scope);
    }

    private static void ConfigureClient(TlsContextHandle handle, TlsClientOptions options)
    {
        var context = handle.DangerousGetHandle();
        LibSsl.SetVerify(context, LibSsl.VerifyPeer, 0);
        LibSsl.SetVerifyChain(context, &TlsCallbacks.VerifyChain, 0);
        if (options.Alpn.Count > 0)
        {
            var list = EncodeAlpn(options.Alpn);
            fixed (byte* start = list)
                LibSsl.SetContextAlpn(context, start, (uint)list.Length);
        }

        if (options.MaxSessions == 0)
        {
            LibSsl.ControlContext(context, LibSsl.ControlSessionCacheMode, LibSsl.SessionCacheOff, null);
            return;
        }

        handle.Sessions = new ClientSessionCache(options.MaxSessions);
        LibSsl.ControlContext(
            context, LibSsl.ControlSessionCacheMode, LibSsl.SessionCacheClient | LibSsl.SessionCacheNoInternal, null);
        LibSsl.SetNewSession(context, &TlsCallbacks.NewSession);
    }
}
