using System.Runtime.InteropServices;

namespace Lateen.Net.Interop;

/// <summary>An EVP_PKEY, with or without its private half. Freed when nobody signs or verifies with it any more.</summary>
internal sealed class KeyHandle : SafeHandle
{
    internal KeyHandle(nint key)
        : base(0, ownsHandle: true) => SetHandle(key);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        LibCrypto.FreeKey(handle);
        return true;
    }
}
