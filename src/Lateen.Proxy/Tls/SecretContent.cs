using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tls;

/// <summary>A secret with the content of all files that it names, read at one moment.</summary>
/// <remarks>Configuration thread only. <see cref="Message"/> names no file any more and must not leave the process.</remarks>
internal sealed class SecretContent
{
    /// <summary>Certificates of one secret that status pages show. Count. The system's bundle has about 150.</summary>
    private const int MaxShownCertificates = 512;

    /// <summary>Octets of one file. Hit: the secret is refused. The bundle of all public roots has some 250 KiB.</summary>
    public const int MaxFileBytes = 4 * 1024 * 1024;

    private IReadOnlyList<Lateen.Net.Tls.TlsCertificate>? _certificates;

    private SecretContent(Secret message, string origin, ImmutableArray<string> watched)
    {
        Message = message;
        Origin = origin;
        Watched = watched;
    }

    /// <summary>The secret, every data source of it inline.</summary>
    public Secret Message { get; }

    /// <summary>Its files, for messages: <c>'/etc/tls.crt', '/etc/tls.key'</c>; empty when it has none.</summary>
    public string Origin { get; }

    /// <summary>Files and directories whose change may change it.</summary>
    public ImmutableArray<string> Watched { get; }

    /// <summary>The certificates in it: a chain, leaf first, or roots. Read when they are first asked for.</summary>
    public IReadOnlyList<Lateen.Net.Tls.TlsCertificate> Certificates => _certificates ??= ReadCertificates();

    /// <summary>What of a secret has to be watched, whether or not it can be read.</summary>
    public static ImmutableArray<string> WatchedBy(Secret secret)
    {
        var watched = ImmutableArray.CreateBuilder<string>();
        foreach (var (source, _) in SourcesOf(secret))
        {
            if (source.SpecifierCase == DataSource.SpecifierOneofCase.Filename) watched.Add(source.Filename);
        }

        // A directory is given where files are swapped by renaming a link above them: it is watched, and its files as well.
        var directory = secret.TlsCertificate?.WatchedDirectory ?? secret.ValidationContext?.WatchedDirectory;
        if (directory is { Path.Length: > 0 }) watched.Add(Path.Combine(directory.Path, "."));
        return watched.DrainToImmutable();
    }

    /// <summary>Reads the files of a secret.</summary>
    /// <returns>Null when one cannot be read; <paramref name="errors"/> then says which.</returns>
    public static SecretContent? Read(Secret secret, FieldPath path, ConfigurationErrors errors)
    {
        var errorsBefore = errors.Count;
        var message = secret.Clone();
        var origin = new List<string>();
        foreach (var (source, field) in SourcesOf(message))
        {
            if (source.SpecifierCase != DataSource.SpecifierOneofCase.Filename) continue;
            origin.Add($"'{source.Filename}'");
            if (ReadFile(source.Filename, Field(path, field).Field("filename"), errors) is { } bytes) source.InlineBytes = bytes;
        }

        return errors.Count > errorsBefore ? null : new SecretContent(message, string.Join(", ", origin), WatchedBy(secret));
    }

    /// <summary>As <see cref="Read"/>, of a resource: paths begin with its kind.</summary>
    public static SecretContent? ReadResource(Secret secret, FieldPath path, ConfigurationErrors errors) =>
        Read(secret, path.Field(SecretKinds.NameOf(secret.TypeCase)), errors);

    /// <summary>Whether two readings gave the same bytes.</summary>
    public bool HasContentOf(SecretContent other) => Message.Equals(other.Message);

    /// <summary>The file that certificates were read from; <c>&lt;inline&gt;</c> as Envoy has it for those that stand in the configuration.</summary>
    public static string PathOf(Secret wanted) => (wanted.TlsCertificate?.CertificateChain ?? wanted.ValidationContext?.TrustedCa) switch
    {
        { SpecifierCase: DataSource.SpecifierOneofCase.Filename } source => source.Filename,
        _ => "<inline>",
    };

    private IReadOnlyList<Lateen.Net.Tls.TlsCertificate> ReadCertificates()
    {
        var source = Message.TlsCertificate?.CertificateChain ?? Message.ValidationContext?.TrustedCa;
        if (source is null) return [];
        var all = Lateen.Net.Tls.TlsCertificate.TryReadAll(TlsMaterial.Bytes(source).Span, out _) ?? [];
        return all.Count <= MaxShownCertificates ? all : [.. all.Take(MaxShownCertificates)];
    }

    private static FieldPath Field(FieldPath path, string dotted)
    {
        foreach (var name in dotted.Split('.')) path = path.Field(name);
        return path;
    }

    private static IEnumerable<(DataSource Source, string Field)> SourcesOf(Secret secret)
    {
        var certificate = secret.TlsCertificate;
        if (certificate?.CertificateChain is { } chain) yield return (chain, "certificate_chain");
        if (certificate?.PrivateKey is { } key) yield return (key, "private_key");
        if (certificate?.Password is { } password) yield return (password, "password");
        if (secret.ValidationContext?.TrustedCa is { } roots) yield return (roots, "trusted_ca");
        if (secret.ValidationContext?.Crl is { } revoked) yield return (revoked, "crl");
        foreach (var ticketKey in secret.SessionTicketKeys?.Keys ?? []) yield return (ticketKey, "keys");
    }

    private static ByteString? ReadFile(string name, FieldPath path, ConfigurationErrors errors)
    {
        try
        {
            using var file = File.OpenRead(name);
            if (file.Length <= MaxFileBytes) return ByteString.FromStream(file);
            errors.Add(path, $"'{name}' has {file.Length} bytes, at most {MaxFileBytes} are read");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            errors.Add(path, $"'{name}' cannot be read: {FileFailureText.Of(failure)}");
        }

        return null;
    }
}
