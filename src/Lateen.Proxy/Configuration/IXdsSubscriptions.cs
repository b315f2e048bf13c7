namespace Lateen.Proxy.Configuration;

/// <summary>Where this proxy says which resources it needs by name: endpoint sets of its clusters, routes of its listeners.</summary>
/// <remarks>Called on the configuration thread; must not block.</remarks>
public interface IXdsSubscriptions
{
    void Subscribe(string typeUrl, string name);

    void Unsubscribe(string typeUrl, string name);
}

/// <summary>Subscriptions as two calls, which is all that an xDS client has to offer for it.</summary>
internal sealed class DelegatedSubscriptions(Action<string, string> subscribe, Action<string, string> unsubscribe) : IXdsSubscriptions
{
    public void Subscribe(string typeUrl, string name) => subscribe(typeUrl, name);

    public void Unsubscribe(string typeUrl, string name) => unsubscribe(typeUrl, name);
}

/// <summary>Counts who needs which resource, and subscribes to each once.</summary>
/// <remarks>Configuration thread only. Needs that come before there is a client are told to it when it is attached.</remarks>
internal sealed class SubscriptionLedger
{
    private readonly Dictionary<(string TypeUrl, string Name), int> _needs = [];
    private IXdsSubscriptions? _subscriptions;

    public void Attach(IXdsSubscriptions subscriptions)
    {
        _subscriptions = subscriptions;
        foreach (var (typeUrl, name) in _needs.Keys) subscriptions.Subscribe(typeUrl, name);
    }

    public void Need(string typeUrl, string name)
    {
        ref var count = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_needs, (typeUrl, name), out _);
        if (count++ == 0) _subscriptions?.Subscribe(typeUrl, name);
    }

    /// <returns>True when nobody needs the resource any more.</returns>
    public bool Release(string typeUrl, string name)
    {
        if (!_needs.TryGetValue((typeUrl, name), out var count)) return true;
        if (count > 1)
        {
            _needs[(typeUrl, name)] = count - 1;
            return false;
        }

        _needs.Remove((typeUrl, name));
        _subscriptions?.Unsubscribe(typeUrl, name);
        return true;
    }

    public bool IsNeeded(string typeUrl, string name) => _needs.ContainsKey((typeUrl, name));
}
