namespace Lateen.Proxy.Listeners;

/// <summary>
/// What the connections of one version of a listener have in common: whether they are to come to an end. Replacing or removing a listener
/// begins the drain of its scope.
/// </summary>
/// <remarks>Set once, from the configuration thread, read by all reactors.</remarks>
internal sealed class ListenerScope
{
    private volatile bool _isDraining;

    /// <summary>Responses say <c>Connection: close</c>.</summary>
    public bool IsDraining => _isDraining;

    public void BeginDrain() => _isDraining = true;
}
