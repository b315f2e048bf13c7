using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Xds.Wire;

namespace Lateen.Xds.Tests.Wire;

/// <summary>Responses read in place are the responses that the parser reads.</summary>
public sealed class DiscoveryResponsesTests
{
    private static Resource Of(string name, int octets)
    {
        var body = new byte[octets];
        new Random(octets).NextBytes(body);
        return new Resource { Name = name, Version = "v" + name, Resource_ = new Any { TypeUrl = "type.googleapis.com/" + name, Value = ByteString.CopyFrom(body) } };
    }

    private static DeltaDiscoveryResponse Response(params int[] sizes)
    {
        var response = new DeltaDiscoveryResponse { Nonce = "7", SystemVersionInfo = "3", TypeUrl = "t", RemovedResources = { "gone", "too" } };
        for (int i = 0; i < sizes.Length; i++) response.Resources.Add(Of($"r{i}", sizes[i]));
        return response;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10, 20)]
    [InlineData(1_000_000)]
    [InlineData(3, 70_000, 0, 65_000, 200_000, 1)]
    public void Response_of_any_sizes_is_read_as_it_was_written(params int[] sizes)
    {
        var response = Response(sizes);
        Assert.Equal(response, DiscoveryResponses.Parse(response.ToByteArray()));
    }

    [Fact]
    public void Large_resource_shares_the_memory_of_its_message()
    {
        byte[] octets = Response(1_000_000).ToByteArray();
        var value = DiscoveryResponses.Parse(octets).Resources[0].Resource_.Value;
        Assert.True(octets.AsSpan().Overlaps(value.Span));
    }

    [Fact]
    public void Small_resource_does_not_keep_a_large_message_alive()
    {
        byte[] octets = Response(100_000, 100).ToByteArray();
        Assert.False(octets.AsSpan().Overlaps(DiscoveryResponses.Parse(octets).Resources[1].Resource_.Value.Span));
    }

    [Fact]
    public void Message_field_that_stands_twice_is_merged_as_the_parser_merges_it()
    {
        byte[] twice = [.. new Resource { Resource_ = new Any { Value = ByteString.CopyFrom(new byte[100_000]) } }.ToByteArray(), .. new Resource { Resource_ = new Any { TypeUrl = "t" } }.ToByteArray()];
        byte[] octets = new DeltaDiscoveryResponse { Resources = { Resource.Parser.ParseFrom(twice) } }.ToByteArray();
        Assert.Equal(DeltaDiscoveryResponse.Parser.ParseFrom(octets), DiscoveryResponses.Parse(octets));

        // As written, not as the parser writes it again.
        var output = new MemoryStream();
        using (var coded = new CodedOutputStream(output, leaveOpen: true))
        {
            coded.WriteTag(DeltaDiscoveryResponse.ResourcesFieldNumber, WireFormat.WireType.LengthDelimited);
            coded.WriteBytes(ByteString.CopyFrom(twice));
        }

        octets = output.ToArray();
        Assert.Equal(DeltaDiscoveryResponse.Parser.ParseFrom(octets), DiscoveryResponses.Parse(octets));
    }

    [Fact]
    public void Every_cut_of_a_large_message_is_refused_or_read_as_the_parser_does()
    {
        byte[] octets = Response(70_000, 5).ToByteArray();
        foreach (int length in Enumerable.Range(0, 200).Concat(Enumerable.Range(octets.Length - 200, 200)).Concat(Enumerable.Range(0, 100).Select(i => i * 700)))
            AssertSame(octets.AsMemory(0, length));
    }

    [Fact]
    public void Damaged_messages_are_refused_or_read_as_the_parser_does()
    {
        var random = new Random(3);
        byte[] good = Response(70_000, 5).ToByteArray();
        for (int i = 0; i < 2000; i++)
        {
            byte[] octets = (byte[])good.Clone();
            // The heads of fields, at both ends: in the middle of a body nothing can be damaged.
            for (int n = random.Next(1, 4); n > 0; n--) octets[random.Next(2) == 0 ? random.Next(80) : octets.Length - 1 - random.Next(80)] = (byte)random.Next(256);
            AssertSame(octets);
        }
    }

    private static void AssertSame(ReadOnlyMemory<byte> octets)
    {
        DeltaDiscoveryResponse? expected = null;
        try
        {
            expected = DeltaDiscoveryResponse.Parser.ParseFrom(octets.Span);
        }
        catch (InvalidProtocolBufferException)
        {
            Assert.Throws<InvalidProtocolBufferException>(() => DiscoveryResponses.Parse(octets));
            return;
        }

        // Fields that nobody knows may stand in another order among themselves and be lost with a field that is replaced; what we read is the same.
        var read = DiscoveryResponses.Parse(octets);
        Assert.Equal(expected.Resources.Select(static resource => (resource.Name, resource.Version, resource.Resource_)), read.Resources.Select(static resource => (resource.Name, resource.Version, resource.Resource_)));
        Assert.Equal((expected.Nonce, expected.TypeUrl, expected.SystemVersionInfo), (read.Nonce, read.TypeUrl, read.SystemVersionInfo));
        Assert.Equal(expected.RemovedResources, read.RemovedResources);
    }
}
