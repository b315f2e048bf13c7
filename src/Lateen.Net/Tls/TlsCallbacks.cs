using System.Runtime.InteropServices;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>What OpenSSL calls in a handshake. Each finds its engine through the connection's BIO and lets no exception through.</summary>
internal static unsafe class TlsCallbacks
{
    private static readonly int VerificationIndex = LibSsl.VerificationIndex();

    [UnmanagedCallersOnly]
    internal static int ClientHello(nint ssl, int* alert, nint argument)
    {
        var engine = EngineOf(ssl);
        try
        {
            return engine.OnClientHello(alert);
        }
        catch (Exception exception)
        {
            engine.KeepBug(exception);
            return 0;
        }
    }

    [UnmanagedCallersOnly]
    internal static int ChooseCertificate(nint ssl, nint argument)
    {
        var engine = EngineOf(ssl);
        try
        {
            return engine.OnChooseCertificate();
        }
        catch (Exception exception)
        {
            engine.KeepBug(exception);
            return 0;
        }
    }

    [UnmanagedCallersOnly]
    internal static int SelectAlpn(nint ssl, byte** selected, byte* selectedBytes, byte* offered, uint offeredBytes, nint argument)
    {
        var engine = EngineOf(ssl);
        try
        {
            return engine.OnSelectAlpn(selected, selectedBytes, offered, offeredBytes);
        }
        catch (Exception exception)
        {
            engine.KeepBug(exception);
            return LibSsl.ExtensionAlertFatal;
        }
    }

    [UnmanagedCallersOnly]
    internal static int VerifyChain(nint verification, nint argument)
    {
        var engine = EngineOf(LibCrypto.VerificationState(verification, VerificationIndex));
        try
        {
            return engine.OnVerifyChain(verification);
        }
        catch (Exception exception)
        {
            engine.KeepBug(exception);
            return 0;
        }
    }

    [UnmanagedCallersOnly]
    internal static int TicketKey(nint ssl, byte* name, byte* initial, nint cipher, nint mac, int seals)
    {
        var engine = EngineOf(ssl);
        try
        {
            return engine.OnTicketKey(name, initial, cipher, mac, seals == 1);
        }
        catch (Exception exception)
        {
            engine.KeepBug(exception);
            return -1;
        }
    }

    [UnmanagedCallersOnly]
    internal static int TicketOpened(nint ssl, nint session, byte* name, nuint nameBytes, int status, nint argument)
    {
        var engine = EngineOf(ssl);
        try
        {
            return engine.OnTicketOpened(session, status);
        }
        catch (Exception exception)
        {
            engine.KeepBug(exception);
            return LibSsl.TicketAbort;
        }
    }

    [UnmanagedCallersOnly]
    internal static int NewSession(nint ssl, nint session)
    {
        var engine = EngineOf(ssl);
        try
        {
            return engine.OnNewSession(session);
        }
        catch (Exception exception)
        {
            engine.KeepBug(exception);
            return 0;
        }
    }

    private static TlsEngine EngineOf(nint ssl) => TlsBio.EngineOf(LibSsl.ReadBio(ssl));
}
