using Lateen.Xds.Client;

namespace Lateen.Xds.Tests.Loopback;

/// <summary>The simulated proxy behind a real client, with waits for what it comes to hold.</summary>
internal sealed class RecordingConsumer : IXdsConsumer
{
    private readonly Condition _condition = new();
    private SimulatedProxy? _proxy;

    public SimulatedProxy Proxy => _proxy ?? throw new InvalidOperationException("Attach a client first.");

    /// <summary>Names of all resources handed over, in order.</summary>
    public List<string> Applied { get; } = [];

    public List<string> Connections { get; } = [];

    public int Disconnects { get; private set; }

    public bool IsConnected { get; private set; }

    public void Attach(XdsClient client) => _proxy = new SimulatedProxy(client.Subscribe, client.Unsubscribe);

    public ValueTask<IReadOnlyList<XdsRejection>?> ApplyAsync(XdsUpdate update, CancellationToken cancellationToken)
    {
        IReadOnlyList<XdsRejection> rejections = [];
        _condition.Change(() =>
        {
            rejections = Proxy.Apply(update);
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

    public bool Holds(string typeUrl, params string[] names) => Proxy.Held[typeUrl].Keys.Order().SequenceEqual(names);
}
