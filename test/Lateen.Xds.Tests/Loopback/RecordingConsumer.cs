using Lateen.Xds.Client;

namespace Lateen.Xds.Tests.Loopback;

/// <summary>The simulated proxy behind a real client, with waits for what it comes to hold.</summary>
internal sealed class RecordingConsumer : IXdsConsumer
{
    private readonly Condition _condition = new();
    private readonly TaskCompletionSource<bool> _inForce = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SimulatedProxy? _proxy;
    private string _lastType = string.Empty;

    public SimulatedProxy Proxy => _proxy ?? throw new InvalidOperationException("Attach a client first.");

    /// <summary>Names of all resources handed over, in order.</summary>
    public List<string> Applied { get; } = [];

    public List<string> Connections { get; } = [];

    public int Disconnects { get; private set; }

    public bool IsConnected { get; private set; }

    /// <summary>Updates of this type are in force only after <see cref="LetIntoForce"/>.</summary>
    public string HeldBackType { get; set; } = string.Empty;

    public void LetIntoForce() => _inForce.TrySetResult(true);

    public ValueTask<bool> WhenInForceAsync() => _lastType == HeldBackType ? new ValueTask<bool>(_inForce.Task) : ValueTask.FromResult(true);

    public void Attach(XdsClient client) => _proxy = new SimulatedProxy(client.Subscribe, client.Unsubscribe);

    public ValueTask<IReadOnlyList<XdsRejection>?> ApplyAsync(XdsUpdate update, CancellationToken cancellationToken)
    {
        IReadOnlyList<XdsRejection> rejections = [];
        _condition.Change(() =>
        {
            rejections = Proxy.Apply(update);
            _lastType = update.TypeUrl;
            Applied.AddRange(update.Changed.Select(resource => $"{XdsTypeUrls.ShortName(update.TypeUrl)} {resource.Name}"));
            Applied.AddRange(update.Removed.Select(name => $"{XdsTypeUrls.ShortName(update.TypeUrl)} -{name}"));
        });
        return ValueTask.FromResult<IReadOnlyList<XdsRejection>?>(rejections);
    }

    public void OnConnection(bool isConnected, string reason) => _condition.Change(() =>
    {
        IsConnected = isConnected;
        Disconnects += isConnected ? 0 : 1;
        Connections.Add($"{(isConnected ? "up" : "down")}: {reason}");
    });

    public Task Until(string what, Func<RecordingConsumer, bool> isMet) => _condition.Until(
        what,
        () => isMet(this),
        () => $"{string.Join(", ", Proxy.Held.Select(static type => $"{XdsTypeUrls.ShortName(type.Key)} [{string.Join(' ', type.Value.Keys)}]"))}; {string.Join("; ", Connections)}");

    /// <summary>The content held of a resource; null when there is none.</summary>
    public Google.Protobuf.ByteString? Held(string typeUrl, string name) => Proxy.Held[typeUrl].GetValueOrDefault(name)?.Body;

    public bool Holds(string typeUrl, params string[] names) => Proxy.Held[typeUrl].Keys.Order().SequenceEqual(names);
}
