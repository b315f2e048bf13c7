using System.Collections.Immutable;
using System.Net;
using System.Text;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Lateen.Identity;
using Lateen.Identity.Signing;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Xds;
using WorkloadIdentity = Lateen.Identity.V1.WorkloadIdentity;

namespace Lateen.Proxy.Identity;

/// <summary>Checks the <c>bootstrap_extensions</c>, of which one is known: the identity of the workload.</summary>
internal static class WorkloadIdentityCompiler
{
    private const string MessageName = "lateen.identity.v1.WorkloadIdentity";

    /// <summary>The trust domain of the identity that the file claims, good or bad; null: it claims none.</summary>
    public static string? TrustDomainIn(RepeatedField<TypedExtensionConfig> extensions)
    {
        try
        {
            return extensions.FirstOrDefault(IsIdentity) is { } identity ? WorkloadIdentity.Parser.ParseFrom(identity.TypedConfig.Value).TrustDomain : null;
        }
        catch (InvalidProtocolBufferException)
        {
            // Reported where the extension is compiled.
            return string.Empty;
        }
    }

    /// <summary>Checks all extensions.</summary>
    /// <param name="extensions">As they stand in the file.</param>
    /// <param name="path">Where they stand.</param>
    /// <param name="clusters">The static clusters with their paths.</param>
    /// <param name="errors">Gets what is wrong.</param>
    /// <returns>Null when there is no identity, or when <paramref name="errors"/> got something to say.</returns>
    public static WorkloadIdentityConfig? Compile(
        RepeatedField<TypedExtensionConfig> extensions, FieldPath path, IReadOnlyList<(ClusterDefinition Definition, FieldPath Path)> clusters, ConfigurationErrors errors)
    {
        WorkloadIdentityConfig? identity = null;
        var isGiven = false;
        for (var i = 0; i < extensions.Count; i++)
        {
            var configPath = path.At(i).Field("typed_config");
            if (!IsIdentity(extensions[i]))
            {
                errors.Add(configPath, $"the bootstrap extension '{extensions[i].Name}' of type '{extensions[i].TypedConfig?.TypeUrl}' is not supported (supported: {MessageName})");
                continue;
            }

            if (isGiven) errors.Add(path.At(i), "there is another identity; a proxy has one");
            isGiven = true;
            try
            {
                identity = Compile(WorkloadIdentity.Parser.ParseFrom(extensions[i].TypedConfig.Value), configPath, clusters, errors);
            }
            catch (InvalidProtocolBufferException fault)
            {
                errors.Add(configPath, $"is not a valid message: {fault.Message}");
            }
        }

        return identity;
    }

    private static bool IsIdentity(TypedExtensionConfig extension) => XdsTypeRegistry.TypeNameOf(extension.TypedConfig?.TypeUrl ?? string.Empty) == MessageName;

    private static WorkloadIdentityConfig? Compile(
        WorkloadIdentity source, FieldPath path, IReadOnlyList<(ClusterDefinition Definition, FieldPath Path)> clusters, ConfigurationErrors errors)
    {
        var errorsBefore = errors.Count;
        if (!TrustDomain.TryParse(source.TrustDomain, out var domain, out var fault)) errors.Add(path.Field("trust_domain"), fault);
        var id = IdentityOf(domain ?? TrustDomain.Default, source, path, errors);
        CheckRoots(source.RootCertificates, path.Field("root_certificates"), errors);
        if (source.JoinToken is null or { SpecifierCase: DataSource.SpecifierOneofCase.None })
            errors.Add(path.Field("join_token"), "is required: it proves the identity until there is a certificate");
        if (!Enum.IsDefined(source.KeyType)) errors.Add(path.Field("key_type"), $"{(int)source.KeyType} is not known; use ECDSA_P256 or RSA_2048");
        var lifetime = ProtoValues.Duration(source.CertificateLifetime, LeafLifetime.Asked, path.Field("certificate_lifetime"), errors) ?? LeafLifetime.Asked;
        if (lifetime < TimeSpan.FromSeconds(1) || lifetime > LeafLifetime.Max) errors.Add(path.Field("certificate_lifetime"), "must be from 1s to 7776000s (90 days)");
        var cluster = AuthorityOf(source.CaCluster, path.Field("ca_cluster"), clusters, errors);
        if (cluster is null || id is null || errors.Count > errorsBefore) return null;
        return new WorkloadIdentityConfig
        {
            Id = id,
            AuthorityCluster = source.CaCluster,
            Servers = ServersOf(cluster),
            ConnectTimeout = cluster.ConnectTimeout,
            RootCertificates = source.RootCertificates!,
            JoinToken = source.JoinToken!,
            KeyType = source.KeyType == WorkloadIdentity.Types.KeyType.Rsa2048 ? KeyAlgorithm.Rsa2048 : KeyAlgorithm.EcdsaP256,
            CertificateLifetime = lifetime,
            AuthorityTls = cluster.Tls!,
        };
    }

    /// <summary>Both names are judged, each with the other one good, so that both are told.</summary>
    private static SpiffeId? IdentityOf(TrustDomain domain, WorkloadIdentity source, FieldPath path, ConfigurationErrors errors)
    {
        if (!SpiffeId.TryCreate(domain, source.Namespace, "default", out _, out var fault)) errors.Add(path.Field("namespace"), fault);
        if (!SpiffeId.TryCreate(domain, "default", source.ServiceAccount, out _, out fault)) errors.Add(path.Field("service_account"), fault);
        return SpiffeId.TryCreate(domain, source.Namespace, source.ServiceAccount, out var id, out _) ? id : null;
    }

    private static void CheckRoots(DataSource? source, FieldPath path, ConfigurationErrors errors)
    {
        if (source is null or { SpecifierCase: DataSource.SpecifierOneofCase.None })
        {
            errors.Add(path, "is required: the certificate authority is verified with it");
            return;
        }

        var errorsBefore = errors.Count;
        var pem = DataSourceReader.Read(source, PemCertificates.MaxLength, path, errors);
        if (errors.Count == errorsBefore && !MeshRoots.TryRead(Encoding.UTF8.GetString(pem.Span), out _, out var fault)) errors.Add(path, fault);
    }

    private static ClusterDefinition? AuthorityOf(
        string name, FieldPath path, IReadOnlyList<(ClusterDefinition Definition, FieldPath Path)> clusters, ConfigurationErrors errors)
    {
        if (name.Length == 0)
        {
            errors.Add(path, "is required: the static cluster of the certificate authority");
            return null;
        }

        var (cluster, clusterPath) = clusters.FirstOrDefault(one => one.Definition.Name == name);
        if (cluster is null)
        {
            errors.Add(path, $"there is no static cluster '{name}'");
            return null;
        }

        if (ServersOf(cluster).IsEmpty) errors.Add(path, $"the cluster '{name}' has no endpoints of its own");
        if (cluster.Tls is not { } tls)
        {
            errors.Add(path, $"the cluster '{name}' speaks no TLS: whoever listens could use the join token");
            return null;
        }

        if (!tls.VerifiesNames)
        {
            errors.Add(
                clusterPath.Field("transport_socket"),
                "names no server (match_typed_subject_alt_names, or sni with auto_sni_san_validation): every workload of the mesh could pass for its certificate authority");
        }

        return cluster;
    }

    private static ImmutableArray<EndPoint> ServersOf(ClusterDefinition cluster) => BootstrapLoader.ServersOf(cluster);
}
