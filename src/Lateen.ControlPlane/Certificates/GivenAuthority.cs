using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lateen.Identity;
using Lateen.Identity.Signing;

namespace Lateen.ControlPlane.Certificates;

/// <summary>
/// An authority that the operator brings, in the files of Istio's <c>cacerts</c>: <c>ca-cert.pem</c>, <c>ca-key.pem</c>, and, for an intermediate,
/// <c>cert-chain.pem</c> and <c>root-cert.pem</c> (which may hold several roots). Replaced files are taken when all of them fit together; until then the last
/// good ones serve.
/// </summary>
internal sealed class GivenAuthority : IMeshAuthority
{
    private const int MaxFileLength = 256 * 1024;

    private readonly string _directory;
    private readonly MeshTrustDomains _domains;
    private readonly TimeProvider _time;
    private readonly Action<string> _log;
    private SigningSnapshot _snapshot;
    private string _read;

    private GivenAuthority(string directory, MeshTrustDomains domains, TimeProvider time, Action<string> log, SigningSnapshot snapshot, string read)
    {
        _directory = directory;
        _domains = domains;
        _time = time;
        _log = log;
        _snapshot = snapshot;
        _read = read;
    }

    /// <exception cref="IOException">A file is missing, readable by others where it must not be, or they do not fit together.</exception>
    public static GivenAuthority Open(string directory, MeshTrustDomains domains, TimeProvider time, Action<string> log)
    {
        var files = ReadFiles(directory);
        return TryMake(files, domains.Own, time.GetUtcNow(), out var snapshot, out string? reason)
            ? new GivenAuthority(directory, domains, time, log, snapshot, files.Digest)
            : throw new IOException($"{directory}: {reason}");
    }

    public TrustBundle Bundle => Volatile.Read(ref _snapshot).Bundle.Of(_domains.All);

    public X509Certificate2 SigningCertificate => Volatile.Read(ref _snapshot).Signer.Certificate;

    public string Source => _directory;

    public bool Refresh()
    {
        try
        {
            var files = ReadFiles(_directory);
            if (files.Digest == _read) return false;
            // Whatever comes of it: the same files are not judged and logged again.
            _read = files.Digest;
            if (!TryMake(files, _domains.Own, _time.GetUtcNow(), out var next, out string? reason))
            {
                _log($"warning: ca: the replaced files of {_directory} are not taken, the last good ones serve: {reason}");
                return false;
            }

            Volatile.Write(ref _snapshot, next);
            _log($"ca: took the replaced files of {_directory}: {next.Signer.Certificate.Subject}, {next.Bundle.Roots.Length} roots");
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string told = $"failed: {e.Message}";
            if (told != _read) _log($"warning: ca: the files of {_directory} cannot be read, the last good ones serve: {e.Message}");
            _read = told;
            return false;
        }
    }

    public bool TryIssue(
        SigningRequest request, SpiffeId identity, TimeSpan lifetime, [NotNullWhen(true)] out WorkloadCertificate? certificate,
        [NotNullWhen(false)] out string? reason) =>
        Volatile.Read(ref _snapshot).Of(_domains.All).TryIssue(request.PublicKey, identity, null, lifetime, _time.GetUtcNow(), out certificate, out reason);

    public bool TryIssueServer(
        PublicKey publicKey, SpiffeId identity, ServerNames names, TimeSpan lifetime, [NotNullWhen(true)] out WorkloadCertificate? certificate,
        [NotNullWhen(false)] out string? reason) =>
        Volatile.Read(ref _snapshot).Of(_domains.All).TryIssue(publicKey, identity, names, lifetime, _time.GetUtcNow(), out certificate, out reason);

    private static bool TryMake(
        Files files, TrustDomain trustDomain, DateTimeOffset now, [NotNullWhen(true)] out SigningSnapshot? snapshot, [NotNullWhen(false)] out string? reason)
    {
        snapshot = null;
        if (!SigningAuthority.TryLoad(files.Certificate, files.Key, files.Chain, out var signer, out reason)) return false;
        if (!TrustBundle.TryRead(trustDomain, files.Roots ?? files.Certificate, out var bundle, out reason))
        {
            reason = $"the roots: {reason}";
            return false;
        }

        var made = new SigningSnapshot(signer, bundle);
        reason = made.Fault(now);
        if (reason is null) snapshot = made;
        return snapshot is not null;
    }

    private static Files ReadFiles(string directory)
    {
        string? certificate = ReadText(Path.Combine(directory, "ca-cert.pem"));
        string keyPath = Path.Combine(directory, "ca-key.pem");
        string? key = PrivateFile.Read(keyPath, MaxFileLength) is { } octets ? Encoding.UTF8.GetString(octets) : null;
        if (certificate is null || key is null) throw new IOException($"{directory} has no {(certificate is null ? "ca-cert.pem" : "ca-key.pem")}");
        string? chain = ReadText(Path.Combine(directory, "cert-chain.pem"));
        string? roots = ReadText(Path.Combine(directory, "root-cert.pem"));
        string digest = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', certificate, key, chain, roots))));
        return new Files(certificate, key, chain, roots, digest);
    }

    private static string? ReadText(string path)
    {
        if (!File.Exists(path)) return null;
        return new FileInfo(path).Length <= MaxFileLength ? File.ReadAllText(path) : throw new IOException($"{path} is longer than {MaxFileLength} octets");
    }

    public void Dispose() => _snapshot.Signer.Dispose();

    private sealed record Files(string Certificate, string Key, string? Chain, string? Roots, string Digest)
    {
        public override string ToString() => "files of an authority";
    }
}
