using System.Net;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>Where a handshake stands after a step of it.</summary>
internal enum TlsStep
{
    /// <summary>Waits for bytes of the peer.</summary>
    NeedsRead,

    /// <summary>Waits for room to send.</summary>
    NeedsWrite,

    Done,
    Failed,
}

/// <summary>
/// One SSL object over a <see cref="CiphertextWire"/>: OpenSSL's calls in terms of <see cref="IoResult"/> and <see cref="TlsFailure"/>.
/// Knows nothing of waiting.
/// </summary>
/// <remarks>
/// OpenSSL reads and writes through a BIO of ours that calls the transport, so TLS on a socket is one recv or send per record, and TLS
/// inside a tunnel is the same code. The GCHandle that the BIO carries is how callbacks find their engine; <see cref="Free"/> ends both.
/// </remarks>
internal sealed unsafe class TlsEngine
{
    /// <summary>missing_extension, RFC 8446 6.2.</summary>
    private const int AlertMissingExtension = 109;

    private readonly TlsContext _context;
    private readonly TlsClientParameters? _parameters;
    private readonly CiphertextWire _wire;
    private GCHandle _self;
    /// <summary>Certificates behind a leaf that are shown. Count. Hit: the rest is not.</summary>
    private const int MaxIntermediates = 10;

    private nint _ssl;
    private nint _offeredSession;
    private ExceptionDispatchInfo? _bug;
    private string? _serverName;
    private bool _isHelloComplete;

    private TlsEngine(CiphertextWire wire, TlsContext context, TlsClientParameters? parameters)
    {
        _wire = wire;
        _context = context;
        _parameters = parameters;
    }

    /// <summary>Why it broke; null while it did not.</summary>
    internal TlsFailure? Failure { get; private set; }

    /// <summary>What was agreed; null before the handshake is done.</summary>
    internal TlsSession? Session { get; private set; }

    /// <summary>The peer said that it sends no more.</summary>
    internal bool HasPeerClosed => _ssl != 0 && (LibSsl.ShutdownState(_ssl) & LibSsl.ReceivedShutdown) != 0;

    /// <summary>The transport ended between two records, without close_notify.</summary>
    internal bool HasEndedUnannounced { get; private set; }

    /// <summary>Received bytes lie within OpenSSL, decrypted or not, so that a read may succeed though the transport has nothing.</summary>
    internal bool HasPending => LibSsl.HasPending(_ssl) != 0;

    internal TlsContext Context => _context;

    private TlsServerContext? ServerContext => _context as TlsServerContext;

    private DateTimeOffset Now => _wire.Inner.Reactor.TimeProvider.GetUtcNow();

    /// <summary>Name under which sessions with this server are kept.</summary>
    private string SessionName => _parameters?.ServerName ?? "";

    /// <param name="parameters">Null at a server.</param>
    internal static TlsEngine? Create(CiphertextWire wire, TlsContext context, TlsClientParameters? parameters, out TlsFailure? failure)
    {
        var engine = new TlsEngine(wire, context, parameters) { _ssl = context.NewConnection() };
        if (engine._ssl == 0)
        {
            OpenSsl.TakeError();
            failure = new TlsFailure(TlsFailureCause.ClosedLocally, "the TLS context was closed");
            return null;
        }

        engine._self = GCHandle.Alloc(engine);
        var bio = TlsBio.Create(GCHandle.ToIntPtr(engine._self));
        LibSsl.SetBio(engine._ssl, bio, bio);
        failure = null;
        if (parameters is null)
        {
            LibSsl.SetAcceptState(engine._ssl);
            return engine;
        }

        try
        {
            failure = engine.BeginClient(parameters);
        }
        catch
        {
            engine.Free();
            throw;
        }

        if (failure is null)
            return engine;
        engine.Free();
        return null;
    }

    internal TlsStep Handshake()
    {
        _wire.BeginOperation();
        var isDone = LibSsl.DoHandshake(_ssl) == 1;
        RethrowBug();
        if (isDone)
            return Complete();
        if (Failure is null)
        {
            if (_wire.IsSendBlocked)
                return TlsStep.NeedsWrite;
            if (_wire.LastReceive.Status == IoStatus.WouldBlock)
                return TlsStep.NeedsRead;
        }

        var error = OpenSsl.TakeError();
        Failure ??= ExplainEnd() ?? TlsErrors.Explain(error);
        KeepOfferedSession(isGood: false);
        return TlsStep.Failed;
    }

    internal IoResult Read(Span<byte> buffer)
    {
        _wire.BeginOperation();
        nuint count = 0;
        int isOk;
        fixed (byte* start = buffer)
            isOk = LibSsl.Read(_ssl, start, (nuint)buffer.Length, &count);
        return isOk == 1 ? IoResult.Ok((int)count) : ReadFailed();
    }

    /// <summary>Takes in what came for TLS itself, such as session tickets, and tells whether there is anything for the reader.</summary>
    /// <returns>Ok: data. Would block: nothing for the reader. Else as <see cref="Read"/>.</returns>
    internal IoResult Probe()
    {
        _wire.BeginOperation();
        nuint count = 0;
        byte none;
        var isOk = LibSsl.Peek(_ssl, &none, 1, &count);
        return isOk == 1 ? IoResult.Ok((int)count) : ReadFailed();
    }

    /// <summary>Makes one record of at most 16 KiB; the wire has to be empty.</summary>
    internal IoResult Write(ReadOnlySpan<byte> bytes)
    {
        _wire.BeginOperation();
        nuint count = 0;
        int isOk;
        fixed (byte* start = bytes)
            isOk = LibSsl.Write(_ssl, start, (nuint)bytes.Length, &count);
        if (isOk == 1)
            return IoResult.Ok((int)count);
        RethrowBug();
        var error = OpenSsl.TakeError();
        if (_wire.CannotSend)
            return _wire.SendFailure;
        if (_wire.IsSendBlocked || _wire.LastReceive.Status == IoStatus.WouldBlock)
            return IoResult.WouldBlock;
        Failure ??= TlsErrors.Explain(error);
        return IoResult.Failed(Errno.Protocol);
    }

    /// <summary>Sends close_notify, once.</summary>
    internal void Shutdown()
    {
        _wire.BeginOperation();
        LibSsl.Shutdown(_ssl);
        OpenSsl.TakeError();
        RethrowBug();
    }

    internal void Free()
    {
        if (_ssl == 0)
            return;
        KeepOfferedSession(isGood: false);
        LibSsl.Free(_ssl);
        _ssl = 0;
        _self.Free();
        _wire.Drop();
        _context.Release();
    }

    /// <summary>SSL_CTX_set_client_hello_cb: the client's first word is complete. 1 to go on.</summary>
    internal int OnClientHello(int* alert)
    {
        _isHelloComplete = true;
        byte* content;
        nuint bytes;
        var context = ServerContext!;
        if (LibSsl.ClientHelloExtension(_ssl, LibSsl.ServerNameExtension, &content, &bytes) == 1)
            _serverName = ServerChoices.ReadServerName(new ReadOnlySpan<byte>(content, (int)bytes), context);
        if (_serverName is not null || !context.RequiresServerName)
            return 1;
        Failure = new TlsFailure(TlsFailureCause.NoServerName, "the client names no server");
        *alert = AlertMissingExtension;
        return 0;
    }

    /// <summary>SSL_CTX_set_cert_cb: shows the certificates that are for the client's server name.</summary>
    internal int OnChooseCertificate()
    {
        if (_serverName is null)
            return 1;
        return ServerChoices.ShowCertificates(_ssl, ServerContext!, _serverName) ? 1 : 0;
    }

    /// <summary>SSL_CTX_set_alpn_select_cb: the first of ours that the client offers.</summary>
    internal int OnSelectAlpn(byte** selected, byte* selectedBytes, byte* offered, uint offeredBytes)
    {
        var at = ServerChoices.FindProtocol(_context.Alpn, new ReadOnlySpan<byte>(offered, (int)offeredBytes));
        if (at < 0)
            return ServerContext!.RequiresAlpnMatch ? LibSsl.ExtensionAlertFatal : LibSsl.ExtensionNoAcknowledge;
        *selected = offered + at + 1;
        *selectedBytes = offered[at];
        return LibSsl.ExtensionOk;
    }

    /// <summary>SSL_CTX_set_cert_verify_callback: 1 when the peer's chain is accepted.</summary>
    internal int OnVerifyChain(nint verification)
    {
        Failure = _context.Verifier.VerifyChain(verification, _parameters, Now);
        return Failure is null ? 1 : 0;
    }

    /// <summary>SSL_CTX_set_tlsext_ticket_key_evp_cb.</summary>
    internal int OnTicketKey(byte* name, byte* initial, nint cipher, nint mac, bool seals)
    {
        if (ServerContext?.TicketKeys is not { } keys)
            return seals ? -1 : 0;
        return seals ? keys.Seal(name, initial, cipher, mac) : keys.Open(name, initial, cipher, mac);
    }

    /// <summary>
    /// SSL_CTX_set_session_ticket_cb. A client whose certificate would not do today shows it again in a full handshake, where it may have a
    /// new one by now.
    /// </summary>
    internal int OnTicketOpened(nint session, int status)
    {
        if (status is not (LibSsl.TicketOpened or LibSsl.TicketOpenedRenew) || !MayResume(session))
            return LibSsl.TicketIgnoreRenew;
        // A ticket of TLS 1.3 is used once (RFC 8446 C.4): the client gets another for the next time, or it would run out of them.
        return status == LibSsl.TicketOpenedRenew || LibSsl.Version(_ssl) == (int)TlsVersion.Tls13 ? LibSsl.TicketUseRenew : LibSsl.TicketUse;
    }

    /// <summary>SSL_CTX_sess_set_new_cb: 1 when the session is taken over.</summary>
    internal int OnNewSession(nint session)
    {
        if (_context is not TlsClientContext { Sessions: { } sessions } || LibSsl.IsResumable(session) != 1)
            return 0;
        return sessions.Add(SessionName, session) ? 1 : 0;
    }

    /// <summary>The BIO's read; see BIO_meth_set_read.</summary>
    internal IoResult OnReceive(Span<byte> buffer)
    {
        if (!_isHelloComplete && _parameters is null && _wire.ReceivedBytes >= ClientHelloParser.MaxBytes)
        {
            Failure = new TlsFailure(TlsFailureCause.HelloTooLarge, $"the client's greeting exceeds {ClientHelloParser.MaxBytes} octets");
            return IoResult.Failed(Errno.Protocol);
        }

        return _wire.Receive(buffer);
    }

    internal IoResult OnSend(ReadOnlySpan<byte> bytes) => _wire.Send(bytes);

    /// <summary>An exception must not pass through OpenSSL's frames: it is kept until they are left.</summary>
    internal void KeepBug(Exception exception) => _bug ??= ExceptionDispatchInfo.Capture(exception);

    private TlsFailure? BeginClient(TlsClientParameters parameters)
    {
        LibSsl.SetConnectState(_ssl);
        if (parameters.ServerName is { Length: > 0 } name && !IPAddress.TryParse(name, out _))
        {
            if (!Ascii.IsValid(name))
                return new TlsFailure(TlsFailureCause.Other, "the server name is not in ASCII");
            _serverName = name.TrimEnd('.').ToLowerInvariant();
            fixed (byte* start = Encoding.ASCII.GetBytes(_serverName + '\0'))
            {
                if (LibSsl.Control(_ssl, LibSsl.ControlServerName, LibSsl.HostName, start) != 1)
                {
                    OpenSsl.TakeError();
                    return new TlsFailure(TlsFailureCause.Other, "the server name is longer than a host name may be");
                }
            }
        }

        if (parameters.Alpn is { } alpn)
        {
            var list = TlsContextBuilder.EncodeAlpn(alpn);
            fixed (byte* start = list)
                _ = LibSsl.SetAlpn(_ssl, start, (uint)list.Length);
        }

        OfferSession();
        return null;
    }

    /// <summary>Offers a session that the peer's certificate of then still allows; those that it does not are dropped.</summary>
    private void OfferSession()
    {
        if (_context is not TlsClientContext { Sessions: { } sessions })
            return;
        while (sessions.Take(SessionName) is var session and not 0)
        {
            if (!MayResume(session))
            {
                LibSsl.FreeSession(session);
                continue;
            }

            _offeredSession = session;
            _ = LibSsl.SetSession(_ssl, session);
            return;
        }
    }

    private bool MayResume(nint session)
    {
        var peer = LibSsl.SessionPeer(session);
        return peer == 0 || _context.Verifier.VerifyResumed(peer, _parameters, Now) is null;
    }

    private TlsStep Complete()
    {
        var isResumed = LibSsl.IsSessionReused(_ssl) == 1;
        var peer = LibSsl.PeerCertificate(_ssl);
        var isTrusted = peer != 0 && _context.Verifier.EstablishesTrust && LibSsl.VerifyResult(_ssl) == VerificationErrors.None;
        if (isResumed && peer != 0 && LibSsl.VerifyResult(_ssl) == VerificationErrors.None)
            Failure = _context.Verifier.VerifyResumed(peer, _parameters, Now);
        if (Failure is null)
            Session = Describe(isResumed, isTrusted, peer);
        LibCrypto.FreeCertificate(peer);
        KeepOfferedSession(Failure is null);
        return Failure is null ? TlsStep.Done : TlsStep.Failed;
    }

    /// <summary>DER of the certificates that a client sent behind its leaf, as it sent them.</summary>
    internal IReadOnlyList<ReadOnlyMemory<byte>> ReadPeerIntermediates()
    {
        var stack = _ssl == 0 ? 0 : LibSsl.PeerChain(_ssl);
        var count = stack == 0 ? 0 : Math.Min(LibCrypto.StackCount(stack), MaxIntermediates);
        if (count <= 0)
            return [];
        var read = new ReadOnlyMemory<byte>[count];
        for (var i = 0; i < count; i++)
            read[i] = CertificateReader.Encode(LibCrypto.StackItem(stack, i));
        return read;
    }

    private TlsSession Describe(bool isResumed, bool isTrusted, nint peer)
    {
        uint idBytes;
        var id = LibSsl.SessionId(LibSsl.Session(_ssl), &idBytes);
        return new TlsSession
        {
            Version = (TlsVersion)LibSsl.Version(_ssl),
            CipherSuite = TlsNames.OfCipher(LibSsl.CurrentCipher(_ssl)),
            Alpn = SelectedAlpn(),
            ServerName = _serverName,
            IsResumed = isResumed,
            IsPeerTrusted = isTrusted,
            PeerCertificate = peer == 0 ? null : _context.PeerCertificateOf(peer),
            LocalCertificate = _context.FindCertificate(LibSsl.LocalCertificate(_ssl)),
            Group = TlsNames.OfGroup(_ssl),
            PeerSignatureAlgorithm = TlsNames.OfPeerSignature(_ssl, isResumed),
            SessionId = idBytes == 0 ? "" : Convert.ToHexStringLower(new ReadOnlySpan<byte>(id, (int)idBytes)),
        };
    }

    private AlpnProtocol? SelectedAlpn()
    {
        byte* name;
        uint bytes;
        LibSsl.SelectedAlpn(_ssl, &name, &bytes);
        if (bytes == 0)
            return null;
        var selected = new ReadOnlySpan<byte>(name, (int)bytes);
        foreach (var protocol in _parameters?.Alpn ?? _context.Alpn)
        {
            if (selected.SequenceEqual(protocol.Bytes))
                return protocol;
        }

        // OpenSSL's client refuses a protocol that was not offered.
        return null;
    }

    /// <summary>A session of TLS 1.2 serves again; one of TLS 1.3 was for once.</summary>
    private void KeepOfferedSession(bool isGood)
    {
        var session = _offeredSession;
        _offeredSession = 0;
        if (session == 0)
            return;
        var serves = isGood && LibSsl.SessionVersion(session) == (int)TlsVersion.Tls12 && LibSsl.IsSessionReused(_ssl) == 1;
        if (!serves || !((TlsClientContext)_context).Sessions!.Add(SessionName, session))
            LibSsl.FreeSession(session);
    }

    private IoResult ReadFailed()
    {
        RethrowBug();
        if (_wire.LastReceive.Status == IoStatus.WouldBlock || _wire.IsSendBlocked)
            return IoResult.WouldBlock;
        var error = OpenSsl.TakeError();
        if (HasPeerClosed && error == 0)
            return IoResult.EndOfStream;
        if (_wire.LastReceive.Status == IoStatus.Failed)
        {
            Failure ??= ExplainEnd();
            return _wire.LastReceive;
        }

        if (_wire.LastReceive.Status == IoStatus.EndOfStream)
        {
            // Bytes may be missing, and an attacker can make it so: this is no good end (RFC 8446 6.1). Of a record that was cut bytes are missing.
            HasEndedUnannounced = !HasPending;
            Failure ??= new TlsFailure(TlsFailureCause.PeerClosed, "the peer ended the connection without close_notify");
            return IoResult.Failed(Errno.ConnectionReset);
        }

        Failure ??= TlsErrors.Explain(error);
        return IoResult.Failed(Errno.Protocol);
    }

    /// <summary>The transport's end as the cause; null when it goes on.</summary>
    private TlsFailure? ExplainEnd()
    {
        if (_wire.LastReceive.Status == IoStatus.EndOfStream)
        {
            return new TlsFailure(TlsFailureCause.PeerClosed, _wire.ReceivedBytes == 0
                ? "the peer ended the connection without a word"
                : "the peer ended the connection during the handshake");
        }

        if (_wire.LastReceive.Status == IoStatus.Failed)
            return new TlsFailure(TlsFailureCause.PeerClosed, $"the connection failed: {_wire.LastReceive}");
        return _wire.CannotSend ? new TlsFailure(TlsFailureCause.PeerClosed, $"the connection failed: {_wire.SendFailure}") : null;
    }

    private void RethrowBug()
    {
        if (_bug is not { } bug)
            return;
        OpenSsl.TakeError();
        _bug = null;
        bug.Throw();
    }
}
