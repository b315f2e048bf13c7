using Envoy.Service.Auth.V3;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.ExtAuthz;
using Lateen.Proxy.Filters.Jwt;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tests.Filters.Jwt;
using Lateen.Proxy.Tests.Harness;
using Lateen.Xds.Text;
using Config = Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthz;
using JwtAuthentication = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtAuthentication;

namespace Lateen.Proxy.Tests.Filters.ExtAuthz;

/// <summary>What routes change of the two filters that ask who somebody is and what he may.</summary>
public sealed class RouteConfigurationTests
{
    [Fact]
    public async Task A_route_may_do_without_tokens_or_demand_others_by_name_and_a_wrong_name_lets_nobody_pass()
    {
        using var issuer = new TestIssuer();
        await using var upstream = TestUpstream.Answering();
        var compiler = new JwtAuthnCompiler(1);
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Extensions = new ExtensionCatalog([new RouterFilterCompiler(), compiler], []);
            recipe.Filters.Add(Compile<JwtAuthentication>(compiler, "jwt", $$"""
                providers: {own: {issuer: "{{TestIssuer.Name}}", local_jwks: {inline_string: '{{issuer.KeySet}}'} } }
                requirement_map: {optional: {requires_any: {requirements: [{provider_name: own}, {allow_missing: {} }] } } }
                rules: [{match: {prefix: /}, requires: {provider_name: own} }]
                """));
            recipe.Cluster("backend", upstream.Address);
            recipe.Routes = Routes("jwt", "envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig", ("/open", "disabled: true"), ("/optional", "requirement_name: optional"), ("/wrong", "requirement_name: nobody"));
        });

        Assert.Equal(200, await StatusAsync(proxy, "/open", "Authorization: Bearer bad"));
        Assert.Equal(200, await StatusAsync(proxy, "/optional"));
        Assert.Equal(401, await StatusAsync(proxy, "/optional", "Authorization: Bearer bad"));
        Assert.Equal(403, await StatusAsync(proxy, "/wrong", $"Authorization: Bearer {issuer.Sign("ES256")}"));
        Assert.Equal(401, await StatusAsync(proxy, "/"));
    }

    [Fact]
    public async Task A_route_may_do_without_the_service_or_tell_it_more_and_send_it_content()
    {
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse { Status = new Status { Code = 7 } });
        await using var upstream = TestUpstream.Answering();
        var compiler = new ExtAuthzCompiler();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Extensions = new ExtensionCatalog([new RouterFilterCompiler(), compiler], []);
            recipe.Filters.Add(Compile<Config>(compiler, "ext", "grpc_service: {envoy_grpc: {cluster_name: authz}, timeout: 5s}\ntransport_api_version: V3"));
            recipe.Cluster("backend", upstream.Address);
            recipe.Cluster("authz", authz.Address).Protocol = UpstreamProtocol.Http2;
            recipe.Routes = Routes(
                "ext", "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute", ("/open", "disabled: true"),
                ("/more", "check_settings: {context_extensions: {tenant: a}, with_request_body: {max_request_bytes: 10}}"));
        });

        Assert.Equal(200, await StatusAsync(proxy, "/open"));
        Assert.Equal(403, await StatusAsync(proxy, "/more", "Content-Length: 2\r\n\r\nhi", isWhole: true));
        Assert.Equal(413, await StatusAsync(proxy, "/more", "Content-Length: 11\r\n\r\nhello world", isWhole: true));
        Assert.Equal(403, await StatusAsync(proxy, "/"));

        var seen = authz.Requests.ToArray();
        Assert.Equal(2, seen.Length);
        Assert.Equal(("a", "hi"), (seen[0].Attributes.ContextExtensions["tenant"], seen[0].Attributes.Request.Http.Body));
        Assert.Empty(seen[1].Attributes.ContextExtensions);
        await proxy.EventuallyAsync("http.in.ext_authz.disabled", 1);
    }

    [Theory]
    [InlineData(true, "{}", "route: needs 'disabled: true' or a requirement_name")]
    [InlineData(false, "{}", "route: needs 'disabled: true' or check_settings")]
    [InlineData(false, "check_settings: {with_request_body: {max_request_bytes: 0}}", "route.check_settings.with_request_body.max_request_bytes: must be from 1 to 4194304")]
    [InlineData(false, "check_settings: {with_request_body: {max_request_bytes: 1}, disable_request_body_buffering: true}", "route.check_settings.disable_request_body_buffering: cannot stand beside")]
    public void What_is_wrong_on_a_route_is_refused_with_its_path(bool isJwt, string yaml, string complaint)
    {
        var errors = new ConfigurationErrors();
        var packed = isJwt
            ? Any.Pack(ProtoYamlReader.ReadText<Envoy.Extensions.Filters.Http.JwtAuthn.V3.PerRouteConfig>(yaml, out _)!)
            : Any.Pack(ProtoYamlReader.ReadText<Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthzPerRoute>(yaml, out _)!);
        IRouteFilterCompiler compiler = isJwt ? new JwtAuthnCompiler(1) : new ExtAuthzCompiler();

        Assert.Null(compiler.CompileForRoute("f", packed, FieldPath.Root.Field("route"), errors));
        Assert.StartsWith(complaint, errors.All[0].ToString(), StringComparison.Ordinal);
    }

    private static HttpFilter Compile<TMessage>(IExtensionCompiler compiler, string name, string yaml)
        where TMessage : class, Google.Protobuf.IMessage<TMessage>, new()
    {
        var message = ProtoYamlReader.ReadText<TMessage>(yaml, out var faults);
        Assert.Empty(faults);
        var errors = new ConfigurationErrors();
        var filter = (HttpFilter?)compiler.Compile(name, Any.Pack(message!), FieldPath.Root, errors);
        Assert.Equal("", errors.ToString());
        return filter!;
    }

    private static string Routes(string filter, string type, params (string Prefix, string Config)[] routes) =>
        "name: test\nvirtual_hosts:\n- name: all\n  domains: [\"*\"]\n  routes:\n"
        + string.Concat(routes.Select(one =>
            $"  - match: {{prefix: {one.Prefix}}}\n    route: {{cluster: backend}}\n    typed_per_filter_config:\n      {filter}:\n        \"@type\": type.googleapis.com/{type}\n        {one.Config}\n"))
        + "  - match: {prefix: /}\n    route: {cluster: backend}\n";

    private static async Task<int> StatusAsync(EngineUnderTest proxy, string path, string? header = null, bool isWhole = false) =>
        (await RawClient.ExchangeAsync(proxy.Address, $"POST {path} HTTP/1.1\r\nHost: s\r\n{header}{(header is null || isWhole ? "" : "\r\n")}{(isWhole ? "" : "Content-Length: 0\r\n\r\n")}")).Status;
}
