using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>The BIO through which OpenSSL reads and writes: it calls the <see cref="TlsEngine"/> whose handle it carries.</summary>
/// <remarks>Function pointers, not delegates: a call costs some ten nanoseconds and allocates nothing.</remarks>
internal static unsafe class TlsBio
{
    private static readonly nint Method = MakeMethod();

    /// <summary>A BIO for the engine behind <paramref name="engine"/>, a GCHandle that lives longer than the BIO.</summary>
    internal static nint Create(nint engine)
    {
        var bio = LibCrypto.NewBio(Method);
        if (bio == 0)
            throw new InsufficientMemoryException("OpenSSL has no memory for a connection.");
        LibCrypto.SetBioState(bio, engine);
        LibCrypto.SetBioInitialized(bio, 1);
        return bio;
    }

    internal static TlsEngine EngineOf(nint bio) => Unsafe.As<TlsEngine>(GCHandle.FromIntPtr(LibCrypto.BioState(bio)).Target!);

    private static nint MakeMethod()
    {
        fixed (byte* name = "lateen\0"u8)
        {
            var method = LibCrypto.NewBioMethod(LibCrypto.NewBioIndex() | LibCrypto.BioTypeSourceSink, name);
            LibCrypto.SetBioRead(method, &Read);
            LibCrypto.SetBioWrite(method, &Write);
            LibCrypto.SetBioControl(method, &Control);
            return method;
        }
    }

    [UnmanagedCallersOnly]
    private static int Read(nint bio, byte* buffer, int bytes)
    {
        LibCrypto.ClearBioFlags(bio, LibCrypto.BioFlagsOfRetry);
        var engine = EngineOf(bio);
        try
        {
            var result = engine.OnReceive(new Span<byte>(buffer, bytes));
            if (result.Status == IoStatus.WouldBlock)
                LibCrypto.SetBioFlags(bio, LibCrypto.BioFlagRead | LibCrypto.BioFlagShouldRetry);
            else if (result.Status == IoStatus.EndOfStream)
                return 0;
            return result.IsOk ? result.Bytes : -1;
        }
        catch (Exception exception)
        {
            engine.KeepBug(exception);
            return -1;
        }
    }

    [UnmanagedCallersOnly]
    private static int Write(nint bio, byte* buffer, int bytes)
    {
        LibCrypto.ClearBioFlags(bio, LibCrypto.BioFlagsOfRetry);
        var engine = EngineOf(bio);
        try
        {
            var result = engine.OnSend(new ReadOnlySpan<byte>(buffer, bytes));
            if (result.Status == IoStatus.WouldBlock)
                LibCrypto.SetBioFlags(bio, LibCrypto.BioFlagWrite | LibCrypto.BioFlagShouldRetry);
            return result.IsOk ? result.Bytes : -1;
        }
        catch (Exception exception)
        {
            engine.KeepBug(exception);
            return -1;
        }
    }

    /// <summary>
    /// Flushing is all that it can do. Asked whether the stream has ended it says no: after a yes OpenSSL answers an end without close_notify by a fatal
    /// alert, and nothing can be written any more to a peer who has ended its half and waits for an answer. The engine knows the end by itself.
    /// </summary>
    [UnmanagedCallersOnly]
    private static nint Control(nint bio, int command, nint number, nint pointer) => command == LibCrypto.BioControlFlush ? 1 : 0;
}
