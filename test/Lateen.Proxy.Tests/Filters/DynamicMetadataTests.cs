using System.Text;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The store in which filters leave values for each other: kinds, nesting, replacement, bounds, reuse.</summary>
public sealed class DynamicMetadataTests
{
    private static readonly byte[] Jwt = "envoy.filters.http.jwt_authn"u8.ToArray();

    [Fact]
    public void Claims_of_a_token_are_found_by_their_path()
    {
        var metadata = new DynamicMetadata();

        MetadataValue payload = metadata.Open(Jwt).SetStruct("payload"u8);
        Assert.True(payload.Set("iss"u8, "https://issuer"u8));
        Assert.True(payload.Set("exp"u8, 1_900_000_000d));
        Assert.True(payload.Set("email_verified"u8, true));
        Assert.True(payload.SetNull("nickname"u8));
        MetadataValue groups = payload.SetList("groups"u8);
        Assert.True(groups.Add("dev"u8));
        Assert.True(groups.Add("ops"u8));
        Assert.True(payload.SetStruct("address"u8).Set("city"u8, "Kiel"u8));

        MetadataValue read = metadata[Jwt]["payload"u8];
        Assert.Equal("https://issuer"u8.ToArray(), read["iss"u8].Text.ToArray());
        Assert.Equal(1_900_000_000d, read["exp"u8].Number);
        Assert.True(read["email_verified"u8].IsTrue);
        Assert.Equal(MetadataKind.Null, read["nickname"u8].Kind);
        Assert.Equal("dev"u8.ToArray(), read["groups"u8].First.Text.ToArray());
        Assert.Equal("ops"u8.ToArray(), read["groups"u8].First.Next.Text.ToArray());
        Assert.True(read["groups"u8].First.Next.Next.IsMissing);
        Assert.Equal("Kiel"u8.ToArray(), read["address"u8]["city"u8].Text.ToArray());
        Assert.True(read["nobody"u8]["city"u8].IsMissing);
        Assert.True(metadata["other"u8].IsMissing);
    }

    [Fact]
    public void A_value_that_is_set_again_replaces_the_first_and_all_below_it()
    {
        var metadata = new DynamicMetadata();
        MetadataValue root = metadata.Open("ns"u8);
        root.SetStruct("k"u8).Set("below"u8, "x"u8);
        root.Set("other"u8, "y"u8);

        Assert.True(root.Set("k"u8, "text"u8));

        Assert.Equal(MetadataKind.Text, root["k"u8].Kind);
        Assert.True(root["k"u8]["below"u8].IsMissing);
        Assert.Equal("other"u8.ToArray(), root["k"u8].Next.Key.ToArray());
        Assert.Equal(metadata.Open("ns"u8)["k"u8].Text.ToArray(), "text"u8.ToArray());
    }

    [Fact]
    public void A_text_is_no_struct_and_a_struct_no_list()
    {
        MetadataValue root = new DynamicMetadata().Open("ns"u8);
        root.Set("text"u8, "x"u8);

        Assert.False(root["text"u8].Set("below"u8, "y"u8));
        Assert.False(root.Add("y"u8));
        Assert.False(root.SetList("list"u8).Set("key"u8, "y"u8));
        Assert.False(default(MetadataValue).Set("key"u8, "y"u8));
    }

    [Fact]
    public void More_values_than_the_bound_are_refused_and_said_so()
    {
        var metadata = new DynamicMetadata();
        MetadataValue list = metadata.Open("ns"u8).SetList("list"u8);

        int taken = 0;
        while (list.Add(1d)) taken++;

        Assert.Equal(DynamicMetadata.MaxNodes - 3, taken);
        Assert.True(metadata.IsOverflowed);
        metadata.Reset();
        Assert.False(metadata.IsOverflowed);
        Assert.True(metadata.IsEmpty);
    }

    [Fact]
    public void More_octets_than_the_bound_are_refused_and_said_so()
    {
        var metadata = new DynamicMetadata();
        MetadataValue root = metadata.Open("ns"u8);

        Assert.True(root.Set("a"u8, new byte[DynamicMetadata.MaxBytes - 3]));
        Assert.False(metadata.IsOverflowed);
        Assert.False(root.Set("b"u8, "x"u8));

        Assert.True(metadata.IsOverflowed);
        Assert.True(root["b"u8].IsMissing);
    }

    [Fact]
    public void Deeper_nesting_than_the_bound_is_refused_and_said_so()
    {
        var metadata = new DynamicMetadata();
        MetadataValue at = metadata.Open("ns"u8);
        int depth = 1;
        while (at.SetStruct("k"u8) is { IsMissing: false } below)
        {
            at = below;
            depth++;
        }

        Assert.Equal(DynamicMetadata.MaxDepth, depth);
        Assert.True(metadata.IsOverflowed);
        Assert.True(at.Set("leaf"u8, "x"u8));
    }

    [Fact]
    public void A_store_that_is_used_again_allocates_nothing()
    {
        var metadata = new DynamicMetadata();
        for (int i = 0; i < 3; i++) Fill();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) Fill();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Fill()
        {
            metadata.Reset();
            MetadataValue payload = metadata.Open("ns"u8).SetStruct("payload"u8);
            for (int i = 0; i < 20; i++) payload.Set("claim"u8, "value"u8);
            payload.SetList("groups"u8).Add("dev"u8);
        }
    }

    [Theory]
    [InlineData("text", "a\"b", false)]
    [InlineData("whole", "1900000000", true)]
    [InlineData("broken", "0.5", true)]
    [InlineData("list", """["x","a\"b\\\u000a",null,[],{}]""", true)]
    [InlineData("struct", """{"yes":true,"no":false}""", true)]
    public void An_access_log_prints_a_text_as_it_is_and_anything_else_as_json(string key, string expected, bool wantsJson)
    {
        var metadata = new DynamicMetadata();
        MetadataValue root = metadata.Open("ns"u8);
        root.Set("text"u8, "a\"b"u8);
        root.Set("whole"u8, 1_900_000_000d);
        root.Set("broken"u8, 0.5d);
        MetadataValue list = root.SetList("list"u8);
        list.Add("x"u8);
        list.Add("a\"b\\\n"u8);
        list.AddNull();
        list.AddList();
        list.AddStruct();
        MetadataValue both = root.SetStruct("struct"u8);
        both.Set("yes"u8, true);
        both.Set("no"u8, false);

        MetadataValue found = MetadataText.Find(metadata, new AccessLogMetadata(AccessLogMetadataSource.Dynamic, "ns", [key]));
        byte[] room = [];
        string printed = Encoding.UTF8.GetString(MetadataText.Print(found, ref room, out bool isJson));

        Assert.Equal(expected, printed);
        Assert.Equal(wantsJson, isJson);
        Assert.True(MetadataText.Find(metadata, new AccessLogMetadata(AccessLogMetadataSource.Dynamic, "ns", [key, "below", "nothing"])).IsMissing);
        Assert.True(MetadataText.Find(metadata, new AccessLogMetadata(AccessLogMetadataSource.Cluster, "ns", [key])).IsMissing);
    }
}
