using System.Runtime.InteropServices;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>What a context holds of OpenSSL: the SSL_CTX and what its callbacks use. Freed when the last connection has let go.</summary>
internal sealed class TlsContextHandle : SafeHandle
{
    private readonly List<LoadedCertificate> _certificates = [];

    internal TlsContextHandle(nint context)
        : base(0, ownsHandle: true)
    {
        SetHandle(context);
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
        return true;
    }
}
