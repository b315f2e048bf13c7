using System.Collections.Immutable;
using System.Net;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Xds;
using Lateen.Xds.Client;
using Lateen.Xds.Text;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Configuration;

/// <summary>A proxy's configuration under a fake clock and a fake resolver, whose thread the test drives itself.</summary>
internal sealed class Setup : IDisposable
{
    private readonly List<string> _subscriptions = [];

    public Setup()
    {
        Configuration = new ProxyConfiguration(new ProxyConfigurationOptions
        {
            ReactorCount = 2,
            Extensions = Extensions,
            Resolver = Resolver,
            Time = Clock,
            RefuseListener = listener => RefuseListener?.Invoke(listener),
            OnWarning = Warnings.Add,
            OnNote = Notes.Add,
            OnPassedOver = count => PassedOver += count,
        });
        Configuration.Snapshots.Published += Changes.Add;
        Configuration.Xds.Attach((type, name) => _subscriptions.Add($"+{XdsTypeUrls.ShortName(type)} {name}"), (type, name) => _subscriptions.Add($"-{XdsTypeUrls.ShortName(type)} {name}"));
        Configuration.Thread.RunPending();
    }

    public static ExtensionCatalog Extensions { get; } = new([new NamedExtension(ExtensionCatalog.RouterMessageName)], [new NamedExtension("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog")]);

    public FakeTimeProvider Clock { get; } = new();

    public FakeResolver Resolver { get; } = new();

    public ProxyConfiguration Configuration { get; }

    /// <summary>What the sockets say about a listener; null: all can listen.</summary>
    public Func<ListenerSnapshot, string?>? RefuseListener { get; set; }

    public List<string> Warnings { get; } = [];

    public List<string> Notes { get; } = [];

    /// <summary>Places that ask in vain, of all accepted versions.</summary>
    public int PassedOver { get; private set; }

    public List<SnapshotChange> Changes { get; } = [];

    public ProxySnapshot Current => Configuration.Snapshots.Current;

    public static BootstrapConfig Read(string yaml)
    {
        var errors = new ConfigurationErrors();
        var config = new BootstrapLoader(Extensions).TryLoad(yaml, errors);
        Assert.Equal(string.Empty, errors.ToString());
        return config!;
    }

    public static string[] ErrorsOf(string yaml)
    {
        var errors = new ConfigurationErrors();
        Assert.Null(new BootstrapLoader(Extensions).TryLoad(yaml, errors));
        return [.. errors.All.Select(error => error.ToString())];
    }

    public static T Proto<T>(string yaml)
        where T : class, Google.Protobuf.IMessage<T>, new()
    {
        var message = ProtoYamlReader.ReadText<T>(yaml, out var faults);
        Assert.Empty(faults);
        return message!;
    }

    public void Load(string bootstrap)
    {
        var loading = Configuration.LoadAsync(Read(bootstrap));
        Configuration.Thread.RunPending();
        Assert.True(loading.IsCompletedSuccessfully);
    }

    /// <summary>Static clusters of a bootstrap (a YAML list), nothing else.</summary>
    public void LoadClusters(string clusters) => Load($"static_resources:\n  clusters:\n{Routing.Routes.Indent(clusters, 2)}");

    /// <summary>One response of the control plane. Gives what was refused, one text per resource.</summary>
    public string[] Apply(string typeUrl, XdsResource[] changed, params string[] removed)
    {
        var applying = Configuration.Xds.ApplyAsync(new XdsUpdate(typeUrl, "v", [.. changed], [.. removed]), TestContext.Current.CancellationToken).AsTask();
        Configuration.Thread.RunPending();
        Assert.True(applying.Wait(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken), "the response was not applied");
        return [.. (applying.GetAwaiter().GetResult() ?? []).Select(rejection => $"{rejection.Name}: {rejection.Reason}")];
    }

    /// <summary>What the acknowledgement of the last response waits for.</summary>
    public Task<bool> InForce() => Configuration.Xds.WhenInForceAsync().AsTask();

    /// <summary>What was subscribed to (+) and given up (-) since the last call.</summary>
    public string[] TakeSubscriptions()
    {
        string[] taken = [.. _subscriptions];
        _subscriptions.Clear();
        return taken;
    }

    public void Advance(TimeSpan time)
    {
        Clock.Advance(time);
        Configuration.Thread.RunPending();
    }

    public string[] EndpointsOf(string cluster) => [.. Current.FindCluster(cluster)!.Endpoints.Select(endpoint => endpoint.State.AddressText)];

    public void Dispose() => Configuration.Dispose();

    private sealed class NamedExtension(string messageName) : IExtensionCompiler
    {
        public string MessageName => messageName;

        public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors) => new Compiled(name, configuration.TypeUrl);

        private sealed record Compiled(string Name, string TypeUrl) : CompiledExtension(Name, TypeUrl);
    }
}

/// <summary>Names that the test answers for. A name without an answer keeps the asker waiting.</summary>
internal sealed class FakeResolver : IHostResolver
{
    private readonly Dictionary<string, Queue<TaskCompletionSource<HostResolution>>> _waiting = [];
    private readonly Dictionary<string, HostResolution> _answers = [];

    public int Lookups { get; private set; }

    public ValueTask<HostResolution> ResolveAsync(string host, HostFamily family, CancellationToken cancellationToken)
    {
        Lookups++;
        if (_answers.TryGetValue(host, out var answer)) return ValueTask.FromResult(answer);
        var source = new TaskCompletionSource<HostResolution>();
        if (!_waiting.TryGetValue(host, out var queue)) _waiting.Add(host, queue = new Queue<TaskCompletionSource<HostResolution>>());
        queue.Enqueue(source);
        return new ValueTask<HostResolution>(source.Task);
    }

    /// <summary>From now on the name has these addresses.</summary>
    public void Answer(string host, params string[] addresses) => Answer(host, new HostResolution([.. addresses.Select(IPAddress.Parse)]));

    public void Fail(string host) => Answer(host, new HostResolution(ImmutableArray<IPAddress>.Empty, "no such name"));

    private void Answer(string host, HostResolution answer)
    {
        _answers[host] = answer;
        if (!_waiting.Remove(host, out var queue)) return;
        foreach (var source in queue) source.SetResult(answer);
    }
}
