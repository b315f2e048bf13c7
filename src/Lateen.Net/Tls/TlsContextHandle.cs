using System.Runtime.InteropServices;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>What a context holds of OpenSSL: the SSL_CTX and what its callbacks use. Freed when the last connection has let go.</summary>
internal sealed class TlsContextHandle : SafeHandle
{
    /// <summary>What a context holds outside of the collector's sight, roughly, so that replaced ones are collected. Octets.</summary>
    private const int NativeBytes = 64 * 1024;

    private readonly List<LoadedCertificate> _certificates = [];

    internal TlsContextHandle(nint context)
        : base(0, ownsHandle: true)
    {
        SetHandle(context);
        GC.AddMemoryPressure(NativeBytes);
    }

    public override bool IsInvalid => handle == 0;

    internal IReadOnlyList<LoadedCertificate> Certificates => _certificates;

    /// <summary>Kept alive with the context; shared between contexts with equal trust.</summary>
    internal TrustStore? Trust { get; set; }

    /// <summary>Sessions of a client context.</summary>
    internal ClientSessionCache? Sessions { get; set; }

    internal void Add(LoadedCertificate certificate) => _certificates.Add(certificate);

    protected override bool ReleaseHandle()
    {
        Sessions?.Close();
        LibSsl.FreeContext(handle);
        foreach (var certificate in _certificates)
            certificate.Free();
        _certificates.Clear();
        GC.RemoveMemoryPressure(NativeBytes);
        return true;
    }
}
