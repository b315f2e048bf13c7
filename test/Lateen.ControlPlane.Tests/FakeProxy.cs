using System.Collections.Immutable;
using System.Net;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Xds;
using Lateen.Xds.Client;

namespace Lateen.ControlPlane.Tests;

/// <summary>One response as the fake proxy saw it.</summary>
internal sealed record SeenUpdate(string Type, ImmutableArray<string> Changed, ImmutableArray<string> Removed);

/// <summary>
/// A proxy as far as xDS goes: it takes everything, asks for the endpoints and routes that it is pointed at, keeps a list of what came, and refuses what
/// the test tells it to.
/// </summary>
internal sealed class FakeProxy : IXdsConsumer, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<SeenUpdate> _seen = [];
    private readonly Dictionary<(string Type, string Name), XdsResource> _held = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly XdsClient _client;
    private readonly Task _running;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FakeProxy(string xdsAddress, string name = "client", string ns = "shop", int httpProxyPort = 15080, string type = "sidecar", string labels = "", string admin = "")
    {
        var metadata = new Struct { Fields = { ["NAME"] = Value.ForString(name), ["NAMESPACE"] = Value.ForString(ns) } };
        if (httpProxyPort > 0) metadata.Fields["HTTP_PROXY_PORT"] = Value.ForString($"{httpProxyPort}");
        if (admin.Length > 0) metadata.Fields["ADMIN_ADDRESS"] = Value.ForString(admin);
        var labelFields = new Struct();
        foreach (string label in labels.Split(',', StringSplitOptions.RemoveEmptyEntries))
            labelFields.Fields[label.Split('=')[0]] = Value.ForString(label.Split('=')[1]);
        metadata.Fields["LABELS"] = Value.ForStruct(labelFields);
        _client = new XdsClient(
            new XdsClientOptions
            {
                Node = new Node { Id = $"{type}~127.0.0.1~{name}.{ns}~{ns}.svc.cluster.local", Metadata = metadata, UserAgentVersion = "0.1.0" },
                Servers = [IPEndPoint.Parse(xdsAddress)],
                ReconnectDelay = new ReconnectDelay { Base = TimeSpan.FromMilliseconds(20), Cap = TimeSpan.FromMilliseconds(100) },
            },
            this);
        _client.SubscribeAll(XdsTypeUrls.Cluster);
        _client.SubscribeAll(XdsTypeUrls.Listener);
        _running = _client.RunAsync(_stop.Token);
    }

    /// <summary>Gives the reason to refuse a resource, or null to take it. Called on the client's task.</summary>
    public Func<string, XdsResource, string?> Refuse { get; set; } = static (_, _) => null;

    /// <summary>Everything that came, in order.</summary>
    public IReadOnlyList<SeenUpdate> Seen
    {
        get
        {
            lock (_gate) return [.. _seen];
        }
    }

    /// <summary>Asks for one resource by name.</summary>
    public void Subscribe(string typeUrl, string name) => _client.Subscribe(typeUrl, name);

    /// <summary>The resource that the proxy has; null when it has none of that name.</summary>
    public XdsResource? Held(string type, string name)
    {
        lock (_gate) return _held.GetValueOrDefault((type, name));
    }

    public int Held(string type)
    {
        lock (_gate) return _held.Keys.Count(key => key.Type == type);
    }

    public ValueTask<IReadOnlyList<XdsRejection>?> ApplyAsync(XdsUpdate update, CancellationToken cancellationToken)
    {
        var rejections = new List<XdsRejection>();
        foreach (var resource in update.Changed)
        {
            if (Refuse(update.TypeUrl, resource) is { } reason) rejections.Add(new XdsRejection(resource.Name, reason));
            else SubscribeToWhatItNames(update.TypeUrl, resource);
        }

        lock (_gate)
        {
            foreach (var resource in update.Changed) _held[(XdsTypeUrls.ShortName(update.TypeUrl), resource.Name)] = resource;
            foreach (string name in update.Removed) _held.Remove((XdsTypeUrls.ShortName(update.TypeUrl), name));
            _seen.Add(new SeenUpdate(XdsTypeUrls.ShortName(update.TypeUrl), [.. update.Changed.Select(resource => resource.Name)], update.Removed));
        }

        Signal();
        return ValueTask.FromResult<IReadOnlyList<XdsRejection>?>(rejections);
    }

    private void SubscribeToWhatItNames(string typeUrl, XdsResource resource)
    {
        if (typeUrl == XdsTypeUrls.Cluster && resource.Parse(Cluster.Parser) is { Type: Cluster.Types.DiscoveryType.Eds } cluster)
            _client.Subscribe(XdsTypeUrls.ClusterLoadAssignment, cluster.EdsClusterConfig.ServiceName);
        if (typeUrl != XdsTypeUrls.Listener) return;
        foreach (var filter in resource.Parse(Listener.Parser).FilterChains.SelectMany(chain => chain.Filters))
        {
            var manager = filter.TypedConfig.Unpack<HttpConnectionManager>();
            if (manager.Rds is { } rds) _client.Subscribe(XdsTypeUrls.RouteConfiguration, rds.RouteConfigName);
        }
    }

    public void OnConnection(bool isConnected, string reason) => Signal();

    private void Signal() => Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    /// <summary>Waits until what was seen satisfies the test; fails with all that was seen.</summary>
    public async Task<IReadOnlyList<SeenUpdate>> UntilAsync(Func<IReadOnlyList<SeenUpdate>, bool> satisfied, CancellationToken cancellation)
    {
        while (true)
        {
            var next = Volatile.Read(ref _changed).Task;
            var seen = Seen;
            if (satisfied(seen)) return seen;
            try
            {
                await next.WaitAsync(cancellation);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"the proxy saw only: {string.Join("; ", seen)}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}
