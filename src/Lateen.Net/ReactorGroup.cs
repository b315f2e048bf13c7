using System.Net;

namespace Lateen.Net;

/// <summary>
/// N reactors that serve together, made, started and stopped as one. Reactors share nothing: a listener is one socket per reactor.
/// </summary>
public sealed class ReactorGroup : IAsyncDisposable
{
    private readonly Reactor[] _reactors;

    /// <summary>Makes <paramref name="count"/> reactors; each gets <paramref name="options"/> with its index.</summary>
    public ReactorGroup(int count, ReactorOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentNullException.ThrowIfNull(options);
        _reactors = new Reactor[count];
        for (var i = 0; i < count; i++)
            _reactors[i] = new Reactor(options with { Index = i });
    }

    public int Count => _reactors.Length;

    public IReadOnlyList<Reactor> Reactors => _reactors;

    public Reactor this[int index] => _reactors[index];

    public void Start()
    {
        foreach (var reactor in _reactors)
            reactor.Start();
    }

    /// <summary>
    /// Binds <paramref name="endPoint"/> on each reactor. TCP sockets share the port by SO_REUSEPORT, port 0 is chosen once for all;
    /// a unix socket, and one that is to be shared, is one socket that all reactors accept from. The listeners still have to be started.
    /// </summary>
    /// <returns>The listeners, or the failure; then none is left bound.</returns>
    public ListenResult<IReadOnlyList<TransportListener>> Bind(
        EndPoint endPoint, ListenerOptions options, Func<TransportConnection, ValueTask> handler)
    {
        ArgumentNullException.ThrowIfNull(options);
        var isShared = options.IsShared || endPoint is UnixSocketEndPoint;
        var own = _reactors.Length > 1 && !isShared ? options with { ReusePort = true } : options;
        var listeners = new List<TransportListener>(_reactors.Length);
        var target = endPoint;
        foreach (var reactor in _reactors)
        {
            var result = listeners.Count > 0 && isShared
                ? listeners[0].ShareWith(reactor)
                : TransportListener.Bind(reactor, target, own, handler);
            if (result.Value is not { } listener)
            {
                foreach (var bound in listeners)
                    bound.Close();
                return new(null, result.Error, result.ErrorNumber);
            }

            listeners.Add(listener);
            target = listener.LocalEndPoint;
        }

        return new(listeners, TransportError.None, 0);
    }

    /// <summary>As <see cref="Reactor.StopAsync"/>, all at the same time.</summary>
    public Task StopAsync(TimeSpan drain) => Task.WhenAll(_reactors.Select(reactor => reactor.StopAsync(drain)));

    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero).ConfigureAwait(false);
}
