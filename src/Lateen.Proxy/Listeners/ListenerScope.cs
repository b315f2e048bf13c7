namespace Lateen.Proxy.Listeners;

/// <summary>
/// What the connections of one version of a listener have in common: whether they are to come to an end. Replacing or removing a listener
/// begins the drain of its scope.
/// </summary>
/// <remarks>Set from the configuration thread, read by all reactors.</remarks>
internal sealed class ListenerScope
{
    private volatile bool _isDraining;
    private volatile ListenerState? _updated;

    /// <summary>Responses say <c>Connection: close</c>.</summary>
    public bool IsDraining => _isDraining;

    /// <summary>The version that has taken the place of this one; null while there is none, and where the listener was closed instead.</summary>
    public ListenerVersion? Newest => _updated?.Current;

    public void BeginDrain() => _isDraining = true;

    /// <summary>As <see cref="BeginDrain"/>; requests that still come are judged by what <paramref name="updated"/> holds then.</summary>
    public void GiveWayTo(ListenerState updated)
    {
        _updated = updated;
        _isDraining = true;
    }
}
