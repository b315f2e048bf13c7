using CsCheck;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Xds.Schema;
using Lateen.Xds.Wire;

namespace Lateen.Xds.Tests.Wire;

public sealed class UnknownFieldsTests
{
    [Fact]
    public void What_our_protos_know_is_no_finding()
    {
        Assert.Empty(Find(Listener.Descriptor, Sample().ToByteArray()));
    }

    [Fact]
    public void A_foreign_field_is_found_through_lists_and_packed_messages()
    {
        Listener listener = Sample();
        Filter filter = listener.FilterChains[0].Filters[1];
        filter.TypedConfig.Value = ByteString.CopyFrom([.. filter.TypedConfig.Value.Span, .. Foreign(900)]);
        Assert.Equal(
            ["filter_chains[0].filters[1].typed_config: field number 900 of envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager is not supported"],
            Find(Listener.Descriptor, listener.ToByteArray()));
    }

    [Fact]
    public void A_foreign_field_of_the_resource_itself_is_named_once_however_often_it_comes()
    {
        byte[] bytes = [.. new Cluster { Name = "a" }.ToByteArray(), .. Foreign(46), .. Foreign(46)];
        Assert.Equal(["the resource: field number 46 of envoy.config.cluster.v3.Cluster is not supported"], Find(Cluster.Descriptor, bytes));
    }

    [Fact]
    public void A_packed_message_of_a_foreign_type_is_named()
    {
        Listener listener = Sample();
        listener.FilterChains[0].Filters[0].TypedConfig.TypeUrl = "type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy";
        Assert.Equal(
            ["filter_chains[0].filters[0].typed_config: the type 'envoy.extensions.filters.network.redis_proxy.v3.RedisProxy' is not supported"],
            Find(Listener.Descriptor, listener.ToByteArray()));
    }

    [Fact]
    public void Random_bytes_never_make_the_walk_throw_and_findings_are_bounded()
    {
        Gen.Byte.Array[0, 200].Sample(static bytes => UnknownFields.Find(ProtoSchema.Default.Get(Listener.Descriptor.FullName), bytes).Length <= 20, iter: 50_000);
        byte[] many = [.. Enumerable.Range(1000, 500).SelectMany(Foreign)];
        Assert.Equal(20, UnknownFields.Find(ProtoSchema.Default.Get(Listener.Descriptor.FullName), many).Length);
    }

    [Fact]
    public void A_cut_resource_is_walked_as_far_as_it_goes()
    {
        byte[] bytes = [.. Sample().ToByteArray(), .. Foreign(900)];
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Empty(UnknownFields.Find(ProtoSchema.Default.Get(Listener.Descriptor.FullName), bytes.AsSpan(0, length)));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("name")]
    [InlineData("a name with \u00e9")]
    public void The_name_of_a_resource_is_read_from_its_bytes(string name)
    {
        Assert.Equal(name, WireReader.ReadName(new Cluster { AltStatName = "other", Name = name }.ToByteArray()));
    }

    private static List<string> Find(Google.Protobuf.Reflection.MessageDescriptor type, byte[] bytes) =>
        [.. UnknownFields.Find(ProtoSchema.Default.Get(type.FullName), bytes).Select(static finding => finding.ToString())];

    private static Listener Sample() => new()
    {
        Name = "l",
        PerConnectionBufferLimitBytes = 1024,
        ListenerFiltersTimeout = new Duration { Seconds = 1 },
        FilterChains =
        {
            new FilterChain
            {
                Filters =
                {
                    new Filter { Name = "one", TypedConfig = Any.Pack(new Stats.PluginConfig { DisableHostHeaderFallback = true }) },
                    new Filter { Name = "two", TypedConfig = Any.Pack(new HttpConnectionManager { StatPrefix = "x", XffNumTrustedHops = 2 }) },
                },
            },
        },
    };

    /// <summary>A field of that number holding one byte, as another release of Envoy's protos would write it.</summary>
    private static byte[] Foreign(int number)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(number, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(8));
        }

        return stream.ToArray();
    }
}
