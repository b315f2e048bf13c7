using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Translation.Tests;

public sealed class ProxyIdentityTests
{
    [Fact]
    public void Generator_grpc_makes_a_client_without_a_proxy()
    {
        var identity = ProxyIdentity.Read(Node("grpc"), out string? reason);
        Assert.Null(reason);
        Assert.Equal((true, "shop", "blue"), (identity!.IsGrpc, identity.Namespace, identity.Labels.GetValueOrDefault("team")));
    }

    [Fact]
    public void Node_without_a_generator_is_a_proxy() => Assert.False(ProxyIdentity.Read(Node(null), out _)!.IsGrpc);

    [Fact]
    public void Generator_that_is_not_served_is_refused_by_name()
    {
        Assert.Null(ProxyIdentity.Read(Node("event"), out string? reason));
        Assert.Contains("'event'", reason, StringComparison.Ordinal);
    }

    public static TheoryData<Value?, bool> Words => new()
    {
        { Value.ForString("true"), true }, { Value.ForBool(true), true }, { Value.ForString("false"), false }, { Value.ForString("yes"), false },
        { Value.ForBool(false), false }, { Value.ForNumber(1), false }, { null, false },
    };

    [Theory]
    [MemberData(nameof(Words))]
    public void Identity_is_what_the_metadata_says_and_nothing_else(Value? word, bool expected)
    {
        var node = Node(null);
        node.Metadata.Fields["SERVICE_ACCOUNT"] = Value.ForString("web");
        if (word is not null) node.Metadata.Fields["WORKLOAD_IDENTITY"] = word;
        Assert.Equal(expected, ProxyIdentity.Read(node, out _)!.HasIdentity);
    }

    [Fact]
    public void Client_without_a_proxy_has_no_identity_that_a_proxy_would_use()
    {
        var node = Node("grpc");
        node.Metadata.Fields["WORKLOAD_IDENTITY"] = Value.ForString("true");
        Assert.False(ProxyIdentity.Read(node, out _)!.HasIdentity);
    }

    private static Node Node(string? generator)
    {
        var node = new Node
        {
            Id = "sidecar~127.0.0.1~web-1.shop~shop.svc.cluster.local",
            Metadata = new Struct { Fields = { ["LABELS"] = Value.ForStruct(new Struct { Fields = { ["team"] = Value.ForString("blue") } }) } },
        };
        if (generator is not null) node.Metadata.Fields["GENERATOR"] = Value.ForString(generator);
        return node;
    }
}
