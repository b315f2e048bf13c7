using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Tests.Configuration;
using Lateen.Xds;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>What a received TLS context or secret asks for beyond our knowledge guards something, so it is refused and not passed over.</summary>
public sealed class StrictContextTests
{
    private const string Bootstrap = """
        node: {id: a, cluster: b}
        dynamic_resources:
          lds_config: {ads: {}}
          cds_config: {ads: {}}
          ads_config: {api_type: GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: xds}}]}
        static_resources:
          clusters:
          - {name: xds, load_assignment: {cluster_name: xds, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 1}}}}]}]}}
        """;

    [Fact]
    public void Validator_that_is_not_known_refuses_the_cluster_and_is_named()
    {
        using var setup = new Setup();
        setup.Load(Bootstrap);

        // custom_validator_config, as Envoy's SPIFFE validator is asked for: what would be left of the context verifies nothing.
        var validation = new CertificateValidationContext();
        validation.MergeFrom(Foreign(12));
        var context = new UpstreamTlsContext { CommonTlsContext = new CommonTlsContext { ValidationContext = validation } };
        var cluster = new Cluster { Name = "c", TransportSocket = new TransportSocket { Name = "tls", TypedConfig = Any.Pack(context) } };

        Assert.Equal(
            ["c: transport_socket.typed_config.common_tls_context.validation_context.custom_validator_config: is not supported"],
            setup.Apply(XdsTypeUrls.Cluster, [XdsResource.FromMessage("c", cluster)]));
        Assert.Null(setup.Current.FindCluster("c"));
    }

    [Fact]
    public void Field_of_a_context_that_has_no_name_here_is_refused_by_its_number()
    {
        using var setup = new Setup();
        setup.Load(Bootstrap);
        var context = new UpstreamTlsContext();
        context.MergeFrom(Foreign(77));
        var cluster = new Cluster { Name = "c", TransportSocket = new TransportSocket { Name = "tls", TypedConfig = Any.Pack(context) } };

        Assert.Equal(
            ["c: transport_socket.typed_config: field number 77 of envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext is not supported"],
            setup.Apply(XdsTypeUrls.Cluster, [XdsResource.FromMessage("c", cluster)]));
    }

    [Fact]
    public void Secret_with_a_policy_that_is_not_known_is_refused_and_the_former_stays()
    {
        using var setup = new Setup();
        setup.Load(Bootstrap);
        var user = Setup.Proto<Cluster>("""
            name: c
            transport_socket:
              name: tls
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
                common_tls_context: {validation_context_sds_secret_config: {name: roots, sds_config: {ads: {}}}}
            """);
        Assert.Empty(setup.Apply(XdsTypeUrls.Cluster, [XdsResource.FromMessage("c", user)]));
        var validation = new CertificateValidationContext { VerifyCertificateHash = { new string('a', 64) } };
        validation.MergeFrom(Foreign(6));

        Assert.Equal(
            ["roots: validation_context.require_signed_certificate_timestamp: is not supported"],
            setup.Apply(XdsTypeUrls.Secret, [XdsResource.FromMessage("roots", new Secret { Name = "roots", ValidationContext = validation })]));
    }

    private static byte[] Foreign(int number)
    {
        using var bytes = new MemoryStream();
        using (var writer = new CodedOutputStream(bytes, leaveOpen: true))
        {
            writer.WriteTag(number, WireFormat.WireType.LengthDelimited);
            writer.WriteBytes(ByteString.Empty);
        }

        return bytes.ToArray();
    }
}
