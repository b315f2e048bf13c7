using System.Runtime.InteropServices;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>
/// Roots and revocation lists in OpenSSL's form. Contexts with equal trust share one: a hundred clusters that trust the system's roots
/// hold them once, which is a megabyte each.
/// </summary>
internal sealed unsafe class TrustStore : SafeHandle
{
    /// <summary>Certificates in one bundle. Count. Hit: an error. The system's bundle has about 150.</summary>
    private const int MaxCertificates = 4096;

    /// <summary>Authorities that a server names to its clients. Count. Hit: it names none, which lets the client choose.</summary>
    private const int MaxNamedAuthorities = 64;

    /// <summary>Where distributions keep the system's roots: Debian and Alpine, Fedora and RHEL, openSUSE, others.</summary>
    private static readonly string[] SystemBundles =
    [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];

    private static readonly Lock Sharing = new();

    /// <summary>By <see cref="TlsVerificationOptions"/>' content. Bounded by the stores alive: dead entries go when one is added.</summary>
    private static readonly Dictionary<string, WeakReference<TrustStore>> Shared = [];

    private List<nint> _roots = [];

    internal TrustStore()
        : base(0, ownsHandle: true)
    {
        SetHandle(LibCrypto.NewTrustStore());
    }

    public override bool IsInvalid => handle == 0;

    internal nint Handle => handle;

    /// <summary>The given roots whose names a server tells its clients; empty when only the system's are trusted, or too many.</summary>
    internal IReadOnlyList<nint> NamedAuthorities => _roots.Count > MaxNamedAuthorities ? [] : _roots;

    /// <summary>The store for these options, made or shared; null and a text when they are not good.</summary>
    internal static TrustStore? Get(TlsVerificationOptions options, out string? error)
    {
        var key = KeyOf(options);
        lock (Sharing)
        {
            if (Shared.TryGetValue(key, out var shared) && shared.TryGetTarget(out var store))
            {
                error = null;
                return store;
            }

            store = Make(options, out error);
            if (store is null)
                return null;
            foreach (var dead in Shared.Where(entry => !entry.Value.TryGetTarget(out _)).Select(entry => entry.Key).ToArray())
                Shared.Remove(dead);
            Shared[key] = new WeakReference<TrustStore>(store);
            return store;
        }
    }

    protected override bool ReleaseHandle()
    {
        // Contexts hold references of their own to the native store.
        LibCrypto.FreeTrustStore(handle);
        Pem.Free(_roots);
        return true;
    }

    private static string KeyOf(TlsVerificationOptions options)
    {
        Span<byte> hashes = stackalloc byte[2 * Sha256.Bytes];
        Sha256.Hash(options.TrustedRootsPem.Span, hashes);
        Sha256.Hash(options.RevocationListsPem.Span, hashes[Sha256.Bytes..]);
        var key = Convert.ToHexStringLower(hashes);
        if (!options.UseSystemRoots)
            return key;
        // A bundle that was updated is another one.
        var bundle = SystemBundle();
        return bundle is null ? key + "+system" : $"{key}+{bundle}@{File.GetLastWriteTimeUtc(bundle).Ticks}";
    }

    private static string? SystemBundle() => Array.Find(SystemBundles, File.Exists);

    private static TrustStore? Make(TlsVerificationOptions options, out string? error)
    {
        var store = new TrustStore();
        error = store.AddRoots(options) ?? store.AddRevocationLists(options.RevocationListsPem.Span);
        if (error is null)
            return store;
        store.Dispose();
        return null;
    }

    private string? AddRoots(TlsVerificationOptions options)
    {
        if (!options.TrustedRootsPem.IsEmpty)
        {
            _roots = Pem.ReadCertificates(options.TrustedRootsPem.Span, isTrustAnchor: true, MaxCertificates, out var error);
            if (error is not null)
                return $"trusted roots: {error}";
            if (_roots.Count == 0)
                return "trusted roots: no certificate in the PEM";
            foreach (var root in _roots)
            {
                if (LibCrypto.AddTrusted(handle, root) != 1)
                    return $"trusted roots: {OpenSsl.Describe(OpenSsl.TakeError())}";
            }
        }

        return options.UseSystemRoots ? AddSystemRoots() : null;
    }

    private string? AddSystemRoots()
    {
        if (SystemBundle() is not { } bundle)
            return $"system roots: none of {string.Join(", ", SystemBundles)} exists; install ca-certificates or give roots";
        fixed (byte* path = System.Text.Encoding.UTF8.GetBytes(bundle + '\0'))
        {
            return LibCrypto.LoadTrusted(handle, path) == 1
                ? null
                : $"system roots: {bundle}: {OpenSsl.Describe(OpenSsl.TakeError())}";
        }
    }

    private string? AddRevocationLists(ReadOnlySpan<byte> pem)
    {
        if (pem.IsEmpty)
            return null;
        var lists = Pem.ReadRevocationLists(pem, MaxCertificates, out var error);
        if (error is null && lists.Count == 0)
            error = "no revocation list in the PEM";
        foreach (var list in lists)
        {
            if (error is null && LibCrypto.AddRevocationList(handle, list) != 1)
                error = OpenSsl.Describe(OpenSsl.TakeError());
            LibCrypto.FreeRevocationList(list);
        }

        return error is null ? null : $"revocation lists: {error}";
    }
}
