using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Proxy.Tests.Harness;
using Lateen.Xds.Text;
using Proto = Envoy.Extensions.Filters.Http.Rbac.V3;

namespace Lateen.Proxy.Tests.Filters.Rbac;

/// <summary>A policy holds from the moment at which it is in force, on connections that are older than it too.</summary>
public sealed class PolicyChangeTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

    [Fact]
    public async Task The_next_request_on_an_older_connection_is_denied_and_the_connection_ends_with_it()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        Assert.Equal(200, (await client.ReadResponseAsync()).Status);

        DenyAll(proxy, upstream);

        await client.SendAsync(Get);
        var denied = await client.ReadResponseAsync();
        Assert.Equal(403, denied.Status);
        Assert.False(denied.KeepsAlive);
        Assert.Single(upstream.Heads);
        await proxy.EventuallyAsync("http.in.downstream_cx_active", 0);
        await proxy.EventuallyAsync("http.in.downstream_rq_active", 0);
    }

    [Fact]
    public async Task Streams_that_an_older_connection_still_opens_are_denied()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        await client.SendBytesAsync(RawHttp2Client.Get(1));
        Assert.Equal(1, (await client.ReadAsync(static frame => frame.EndsStream)).Stream);

        DenyAll(proxy, upstream);

        await client.SendBytesAsync(RawHttp2Client.Get(3));
        Assert.Equal(3, (await client.ReadAsync(static frame => frame.EndsStream)).Stream);
        Assert.Single(upstream.Heads);
        await proxy.EventuallyAsync("http.in.rbac.denied", 1);
    }

    [Fact]
    public async Task A_request_that_has_begun_keeps_the_rules_that_it_began_with()
    {
        var answer = new TaskCompletionSource();
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            await answer.Task;
            await peer.SendAsync(TestUpstream.Hello);
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_active", 1);

        DenyAll(proxy, upstream);
        answer.SetResult();

        Assert.Equal(200, (await client.ReadResponseAsync()).Status);
        await proxy.EventuallyAsync("http.in.downstream_rq_active", 0);
    }

    /// <summary>Who counts as internal is a rule of trust like any other: one request is not judged by two versions of it.</summary>
    [Fact]
    public async Task Who_is_internal_is_said_by_the_newest_version_on_an_older_connection_too()
    {
        var atEdge = new ClientAddressOptions { UseRemoteAddress = true };
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.ClientAddress = atEdge;
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        Assert.Equal(200, (await client.ReadResponseAsync()).Status);

        var update = new EngineRecipe { ChangesListener = true, ClientAddress = atEdge with { InternalRanges = [System.Net.IPNetwork.Parse("10.0.0.0/8")] } };
        update.Cluster("backend", upstream.Address);
        proxy.Publish(update);
        await client.SendAsync(Get);
        Assert.Equal(200, (await client.ReadResponseAsync()).Status);

        Assert.Equal([true, false], upstream.Heads.Select(static head => head.Contains("x-envoy-internal: true", StringComparison.OrdinalIgnoreCase)));
    }

    private static void DenyAll(EngineUnderTest proxy, TestUpstream upstream)
    {
        var message = ProtoYamlReader.ReadText<Proto.RBAC>("{rules: {}}", out var faults);
        Assert.Empty(faults);
        var errors = new ConfigurationErrors();
        var recipe = new EngineRecipe { ChangesListener = true };
        recipe.Cluster("backend", upstream.Address);
        recipe.Filters.Add(new RbacFilterCompiler(proxy.Registry).Compile("rbac", Any.Pack(message!), FieldPath.Root, errors)!);
        Assert.Equal(string.Empty, errors.ToString());
        proxy.Publish(recipe);
    }
}
