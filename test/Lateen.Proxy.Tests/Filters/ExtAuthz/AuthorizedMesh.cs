using System.Net;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.ExtAuthz;
using Lateen.Proxy.Tests.Harness;
using Lateen.Xds.Text;
using Config = Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthz;

namespace Lateen.Proxy.Tests.Filters.ExtAuthz;

/// <summary>A server behind a proxy that asks an authorization service.</summary>
internal sealed class AuthorizedMesh : IAsyncDisposable
{
    public const string Get = "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";

    private bool _ownsUpstream;

    public TestUpstream Upstream { get; private init; } = null!;

    public RecordingLog Log { get; } = new();

    public EngineUnderTest Proxy { get; private set; } = null!;

    public static AuthorizedMesh Start(
        string yaml, IPEndPoint authz, Action<EngineRecipe>? configure = null, TestUpstream? server = null, HttpFilter? before = null, HttpFilter? after = null, bool grpc = false)
    {
        var errors = new ConfigurationErrors();
        var filter = Compile(yaml, errors);
        Assert.Equal("", errors.ToString());
        var mesh = new AuthorizedMesh { Upstream = server ?? TestUpstream.Answering(), _ownsUpstream = server is null };
        mesh.Proxy = EngineUnderTest.Start(recipe =>
        {
            if (before is not null) recipe.Filters.Add(before);
            recipe.Filters.Add(filter!);
            if (after is not null) recipe.Filters.Add(after);
            recipe.AccessLogs.Add(mesh.Log);
            recipe.Cluster("backend", mesh.Upstream.Address);
            if (grpc) recipe.Cluster("authz", authz).Protocol = UpstreamProtocol.Http2;
            else recipe.Cluster("authz", authz);
            configure?.Invoke(recipe);
        });
        return mesh;
    }

    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static ExtAuthzFilter? Compile(string yaml, ConfigurationErrors errors)
    {
        var message = ProtoYamlReader.ReadText<Config>(yaml, out var faults);
        Assert.Empty(faults);
        return (ExtAuthzFilter?)new ExtAuthzCompiler().Compile("ext", Any.Pack(message!), FieldPath.Root.Field("ext"), errors);
    }

    public Task<RawResponse> GetAsync() => SendAsync(Get);

    public Task<RawResponse> SendAsync(string request) => RawClient.ExchangeAsync(Proxy.Address, request);

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        if (_ownsUpstream) await Upstream.DisposeAsync();
    }
}
