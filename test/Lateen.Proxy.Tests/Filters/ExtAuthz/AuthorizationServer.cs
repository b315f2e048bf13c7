using System.Collections.Concurrent;
using Envoy.Service.Auth.V3;
using Grpc.Core;
using Lateen.Proxy.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Lateen.Proxy.Tests.Filters.ExtAuthz;

/// <summary>An authorization service of gRPC that we did not write the protocol of: Grpc.AspNetCore on Kestrel, answering as the test says.</summary>
internal sealed class AuthorizationServer : IAsyncDisposable
{
    private readonly KestrelUpstream _server;

    private AuthorizationServer(KestrelUpstream server) => _server = server;

    public System.Net.IPEndPoint Address => _server.Address;

    public required ConcurrentQueue<CheckRequest> Requests { get; init; }

    public static Task<AuthorizationServer> StartAsync(CheckResponse response) => StartAsync((_, _) => Task.FromResult(response));

    public static async Task<AuthorizationServer> StartAsync(Func<CheckRequest, ServerCallContext, Task<CheckResponse>> decide)
    {
        var requests = new ConcurrentQueue<CheckRequest>();
        var server = await KestrelUpstream.StartAsync(
            HttpProtocols.Http2,
            static application => application.MapGrpcService<Service>(),
            services =>
            {
                services.AddGrpc(static options => options.MaxReceiveMessageSize = null);
                services.AddSingleton(new Decision(decide, requests));
            });
        return new AuthorizationServer(server) { Requests = requests };
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private sealed record Decision(Func<CheckRequest, ServerCallContext, Task<CheckResponse>> Decide, ConcurrentQueue<CheckRequest> Requests);

    private sealed class Service(Decision decision) : Authorization.AuthorizationBase
    {
        public override Task<CheckResponse> Check(CheckRequest request, ServerCallContext context)
        {
            decision.Requests.Enqueue(request);
            return decision.Decide(request, context);
        }
    }
}
