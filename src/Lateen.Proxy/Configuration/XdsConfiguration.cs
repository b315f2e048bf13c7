using Lateen.Xds.Client;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// Turns the control plane's resources into configuration. Each resource is judged alone: a good one takes effect (when what it needs is
/// there), a bad one is refused with the paths and reasons, and its last good version stays. All of one response becomes one snapshot.
/// </summary>
/// <remarks>Called by the xDS client on its own task; the work is done on the configuration thread.</remarks>
public sealed class XdsConfiguration : IXdsConsumer
{
    private readonly ProxyConfiguration _configuration;
    private readonly ResourceIntake _intake;
    private readonly ConfigurationLedgers _ledgers;
    private readonly HashSet<string> _spokenTypes = new(StringComparer.Ordinal);
    private readonly UpdatesInForce _updates;
    private Task<bool> _inForce = Task.FromResult(true);
    private volatile ControlPlaneConnection _connection = new(false, "not connected yet");

    internal XdsConfiguration(ProxyConfiguration configuration, ResourceIntake intake, ConfigurationLedgers ledgers, UpdatesInForce updates)
    {
        _configuration = configuration;
        _updates = updates;
        _intake = intake;
        _ledgers = ledgers;
    }

    /// <summary>Whether the stream is up, and why not.</summary>
    public ControlPlaneConnection Connection => _connection;

    /// <summary>
    /// Tells a client which resources this proxy needs by name, from now on: <c>Attach(client.Subscribe, client.Unsubscribe)</c>.
    /// Subscribing to all listeners and clusters is the caller's.
    /// </summary>
    /// <param name="subscribe">Type URL, name. Called on the configuration thread; must not block.</param>
    /// <param name="unsubscribe">Likewise.</param>
    public void Attach(Action<string, string> subscribe, Action<string, string> unsubscribe) =>
        _configuration.Attach(new DelegatedSubscriptions(subscribe, unsubscribe));

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<XdsRejection>?> ApplyAsync(XdsUpdate update, CancellationToken cancellationToken) =>
        await _configuration.Thread.InvokeAsync(() => Apply(update)).WaitAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public ValueTask<bool> WhenInForceAsync() => new(Volatile.Read(ref _inForce));

    /// <inheritdoc/>
    public void OnConnection(bool isConnected, string reason) => _connection = new ControlPlaneConnection(isConnected, reason);

    /// <summary>There was a response of this type, an empty one included.</summary>
    internal bool HasSpokenOf(string typeUrl) => _spokenTypes.Contains(typeUrl);

    internal void LoadStatic(Envoy.Config.Bootstrap.V3.Bootstrap.Types.StaticResources? resources)
    {
        if (resources is not null) _intake.TakeStatic(resources);
    }

    /// <summary>As <see cref="ApplyAsync"/>, on the configuration thread.</summary>
    internal List<XdsRejection> Apply(XdsUpdate update)
    {
        var rejections = new List<XdsRejection>();
        foreach (var resource in update.Changed)
        {
            if (_intake.Take(update.TypeUrl, resource) is { } reason) rejections.Add(new XdsRejection(resource.Name, reason));
        }

        foreach (var name in update.Removed) _intake.Remove(update.TypeUrl, name);
        if (update.Version.Length > 0) _ledgers.Of(update.TypeUrl).Version = update.Version;
        _spokenTypes.Add(update.TypeUrl);
        _configuration.Advance();
        Volatile.Write(ref _inForce, _updates.Await(update));
        return rejections;
    }
}

/// <summary>Whether the control plane's stream is up.</summary>
/// <param name="IsConnected">It is.</param>
/// <param name="Reason">Why it is not, and when the next attempt comes.</param>
public sealed record ControlPlaneConnection(bool IsConnected, string Reason);
