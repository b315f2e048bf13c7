using System.Runtime.InteropServices;

namespace Lateen.Net.Interop;

/// <summary>
/// Calls of OpenSSL 3's libssl. All signatures are blittable. Call <see cref="OpenSsl.Problem"/> first: without the library each of these throws.
/// </summary>
/// <remarks>Those with SuppressGCTransition read or set a field, take no lock and call nobody back.</remarks>
internal static unsafe partial class LibSsl
{
    private const string Library = "libssl.so.3";

    [LibraryImport(Library, EntryPoint = "OPENSSL_init_ssl")]
    internal static partial int Initialize(ulong options, nint settings);

    [LibraryImport(Library, EntryPoint = "TLS_method")]
    internal static partial nint Method();

    [LibraryImport(Library, EntryPoint = "SSL_CTX_new")]
    internal static partial nint NewContext(nint method);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_free")]
    internal static partial void FreeContext(nint context);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_ctrl")]
    internal static partial nint ControlContext(nint context, int command, nint number, void* pointer);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_options")]
    internal static partial ulong SetContextOptions(nint context, ulong options);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_cipher_list")]
    internal static partial int SetCipherList(nint context, byte* names);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_ciphersuites")]
    internal static partial int SetCipherSuites(nint context, byte* names);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_get_ciphers")]
    internal static partial nint ContextCiphers(nint context);

    [LibraryImport(Library, EntryPoint = "SSL_CIPHER_get_name")]
    internal static partial byte* CipherName(nint cipher);

    [LibraryImport(Library, EntryPoint = "SSL_CIPHER_standard_name")]
    internal static partial byte* CipherStandardName(nint cipher);

    [LibraryImport(Library, EntryPoint = "SSL_CIPHER_get_version")]
    internal static partial byte* CipherVersion(nint cipher);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_use_cert_and_key")]
    internal static partial int UseCertificateAndKey(nint context, nint certificate, nint key, nint chain, int @override);

    [LibraryImport(Library, EntryPoint = "SSL_use_cert_and_key")]
    internal static partial int UseConnectionCertificateAndKey(nint ssl, nint certificate, nint key, nint chain, int @override);

    [LibraryImport(Library, EntryPoint = "SSL_certs_clear")]
    internal static partial void ClearCertificates(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set1_cert_store")]
    internal static partial void SetTrustStore(nint context, nint store);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_get0_param")]
    internal static partial nint VerifyParameters(nint context);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_verify")]
    internal static partial void SetVerify(nint context, int mode, nint callback);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_verify_depth")]
    internal static partial void SetVerifyDepth(nint context, int depth);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_cert_verify_callback")]
    internal static partial void SetVerifyChain(nint context, delegate* unmanaged<nint, nint, int> callback, nint argument);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_add_client_CA")]
    internal static partial int AddClientAuthority(nint context, nint certificate);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_client_hello_cb")]
    internal static partial void SetClientHello(nint context, delegate* unmanaged<nint, int*, nint, int> callback, nint argument);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_cert_cb")]
    internal static partial void SetChooseCertificate(nint context, delegate* unmanaged<nint, nint, int> callback, nint argument);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_alpn_select_cb")]
    internal static partial void SetAlpnSelect(
        nint context, delegate* unmanaged<nint, byte**, byte*, byte*, uint, nint, int> callback, nint argument);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_alpn_protos")]
    internal static partial int SetContextAlpn(nint context, byte* list, uint bytes);

    [LibraryImport(Library, EntryPoint = "SSL_set_alpn_protos")]
    internal static partial int SetAlpn(nint ssl, byte* list, uint bytes);

    [LibraryImport(Library, EntryPoint = "SSL_get0_alpn_selected")]
    internal static partial void SelectedAlpn(nint ssl, byte** name, uint* bytes);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_tlsext_ticket_key_evp_cb")]
    internal static partial int SetTicketKey(nint context, delegate* unmanaged<nint, byte*, byte*, nint, nint, int, int> callback);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_num_tickets")]
    internal static partial int SetTicketCount(nint context, nuint count);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_session_id_context")]
    internal static partial int SetSessionIdContext(nint context, byte* bytes, uint count);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_timeout")]
    internal static partial nint SetSessionTimeout(nint context, nint seconds);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_sess_set_new_cb")]
    internal static partial void SetNewSession(nint context, delegate* unmanaged<nint, nint, int> callback);

    [LibraryImport(Library, EntryPoint = "SSL_new")]
    internal static partial nint New(nint context);

    [LibraryImport(Library, EntryPoint = "SSL_free")]
    internal static partial void Free(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_set_bio")]
    internal static partial void SetBio(nint ssl, nint read, nint write);

    [LibraryImport(Library, EntryPoint = "SSL_get_rbio")]
    [SuppressGCTransition]
    internal static partial nint ReadBio(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_set_accept_state")]
    internal static partial void SetAcceptState(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_set_connect_state")]
    internal static partial void SetConnectState(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_do_handshake")]
    internal static partial int DoHandshake(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_read_ex")]
    internal static partial int Read(nint ssl, byte* buffer, nuint bytes, nuint* read);

    [LibraryImport(Library, EntryPoint = "SSL_peek_ex")]
    internal static partial int Peek(nint ssl, byte* buffer, nuint bytes, nuint* read);

    [LibraryImport(Library, EntryPoint = "SSL_write_ex")]
    internal static partial int Write(nint ssl, byte* buffer, nuint bytes, nuint* written);

    [LibraryImport(Library, EntryPoint = "SSL_shutdown")]
    internal static partial int Shutdown(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_get_shutdown")]
    [SuppressGCTransition]
    internal static partial int ShutdownState(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_has_pending")]
    [SuppressGCTransition]
    internal static partial int HasPending(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_ctrl")]
    internal static partial nint Control(nint ssl, int command, nint number, void* pointer);

    [LibraryImport(Library, EntryPoint = "SSL_version")]
    internal static partial int Version(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_get_current_cipher")]
    internal static partial nint CurrentCipher(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_group_to_name")]
    internal static partial byte* GroupName(nint ssl, int group);

    [LibraryImport(Library, EntryPoint = "SSL_get_peer_signature_type_nid")]
    internal static partial int PeerSignatureKind(nint ssl, int* kind);

    [LibraryImport(Library, EntryPoint = "SSL_get_servername")]
    internal static partial byte* ServerName(nint ssl, int type);

    [LibraryImport(Library, EntryPoint = "SSL_client_hello_get0_ext")]
    internal static partial int ClientHelloExtension(nint ssl, uint type, byte** content, nuint* bytes);

    [LibraryImport(Library, EntryPoint = "SSL_session_reused")]
    internal static partial int IsSessionReused(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_get_session")]
    internal static partial nint Session(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_set_session")]
    internal static partial int SetSession(nint ssl, nint session);

    [LibraryImport(Library, EntryPoint = "SSL_SESSION_free")]
    internal static partial void FreeSession(nint session);

    [LibraryImport(Library, EntryPoint = "SSL_SESSION_is_resumable")]
    internal static partial int IsResumable(nint session);

    [LibraryImport(Library, EntryPoint = "SSL_SESSION_get_protocol_version")]
    internal static partial int SessionVersion(nint session);

    [LibraryImport(Library, EntryPoint = "SSL_SESSION_get0_peer")]
    internal static partial nint SessionPeer(nint session);

    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_session_ticket_cb")]
    internal static partial int SetTicketJudge(
        nint context, nint made, delegate* unmanaged<nint, nint, byte*, nuint, int, nint, int> opened, nint argument);

    [LibraryImport(Library, EntryPoint = "SSL_SESSION_get_id")]
    internal static partial byte* SessionId(nint session, uint* bytes);

    [LibraryImport(Library, EntryPoint = "SSL_get1_peer_certificate")]
    internal static partial nint PeerCertificate(nint ssl);

    /// <summary>What the peer sent in this handshake, borrowed: without the leaf at a server, with it at a client.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_get_peer_cert_chain")]
    internal static partial nint PeerChain(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_get_verify_result")]
    internal static partial nint VerifyResult(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_get_certificate")]
    internal static partial nint LocalCertificate(nint ssl);

    [LibraryImport(Library, EntryPoint = "SSL_get_ex_data_X509_STORE_CTX_idx")]
    internal static partial int VerificationIndex();

    [LibraryImport(Library, EntryPoint = "SSL_alert_desc_string_long")]
    internal static partial byte* AlertName(int alert);

    internal const int ControlMode = 33;
    internal const int ControlReadAhead = 41;
    internal const int ControlSessionCacheSize = 42;
    internal const int ControlSessionCacheMode = 44;
    internal const int ControlServerName = 55;
    internal const int ControlGroups = 92;
    internal const int ControlPeerSignatureDigest = 108;
    internal const int ControlNegotiatedGroup = 134;
    internal const int ControlMinVersion = 123;
    internal const int ControlMaxVersion = 124;

    internal const int ModeEnablePartialWrite = 1;
    internal const int ModeAcceptMovingBuffer = 2;
    internal const int ModeNoAutoChain = 8;
    internal const int ModeReleaseBuffers = 16;

    internal const ulong OptionNoTicket = 1UL << 14;
    internal const ulong OptionNoCompression = 1UL << 17;
    internal const ulong OptionPrioritizeChaCha = 1UL << 21;
    internal const ulong OptionServerPreference = 1UL << 22;
    internal const ulong OptionNoRenegotiation = 1UL << 30;

    internal const int SessionCacheOff = 0;
    internal const int SessionCacheClient = 1;
    internal const int SessionCacheServer = 2;
    internal const int SessionCacheNoInternal = 0x300;

    internal const int VerifyNone = 0;
    internal const int VerifyPeer = 1;
    internal const int VerifyFailIfNone = 2;

    internal const int ReceivedShutdown = 2;

    internal const int ExtensionOk = 0;
    internal const int ExtensionAlertFatal = 2;
    internal const int ExtensionNoAcknowledge = 3;

    internal const int TicketOpened = 5;
    internal const int TicketOpenedRenew = 6;
    internal const int TicketAbort = 0;
    internal const int TicketIgnoreRenew = 2;
    internal const int TicketUse = 3;
    internal const int TicketUseRenew = 4;

    internal const int HostName = 0;
    internal const uint ServerNameExtension = 0;

    /// <summary>An alert's reason in the error queue is its number plus this.</summary>
    internal const int AlertReasonOffset = 1000;
}
