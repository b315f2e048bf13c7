using System.Runtime.InteropServices;
using Lateen.Net.Interop;

namespace Lateen.Net.Signatures;

/// <summary>An EVP_PKEY that holds a public key. Freed when nobody verifies with it any more.</summary>
internal sealed class SignatureKeyHandle : SafeHandle
{
    internal SignatureKeyHandle(nint key)
        : base(0, ownsHandle: true) => SetHandle(key);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        LibCrypto.FreeKey(handle);
        return true;
    }
}
