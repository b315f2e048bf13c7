using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.ControlPlane;

/// <summary>
/// The reactor of the proxy's own conversations, with its control plane and its certificate authority: a push of a large configuration holds no request
/// up, and the program has one HTTP stack.
/// </summary>
/// <remarks>One per process; any thread. Disposing of it ends all conversations.</remarks>
public sealed class ManagementReactor : IAsyncDisposable
{
    /// <param name="resolver">For servers that are named.</param>
    /// <param name="time">Of timeouts and keep-alive.</param>
    /// <param name="defectReported">Told of exceptions that are bugs; each costs one conversation.</param>
    public ManagementReactor(IHostResolver resolver, TimeProvider time, Action<Exception> defectReported)
    {
        Resolver = resolver;
        Time = time;
        Reactor = new Reactor(new ReactorOptions { Name = "xds", TimeProvider = time, UnhandledException = (defect, _) => defectReported(defect) });
        Reactor.Start();
    }

    internal Reactor Reactor { get; }

    internal IHostResolver Resolver { get; }

    internal TimeProvider Time { get; }

    public ValueTask DisposeAsync() => Reactor.DisposeAsync();

    /// <summary>
    /// A route table of two thousand services has some megabytes, and with the window that is right for requests of strangers it would come in forty
    /// turns. What comes is put into its message as it arrives, and the length of a message is bounded on its own: the window adds to that what comes between
    /// two turns of this reactor, which does nothing else.
    /// </summary>
    private const int WindowOctets = 16 * 1024 * 1024;

    internal static Http2Options Http2(TimeSpan keepAlive)
    {
        int third = (int)(keepAlive.TotalMilliseconds / 3);
        return new Http2Options
        {
            InitialStreamWindow = WindowOctets,
            InitialConnectionWindow = WindowOctets,
            KeepAlive = third > 0 ? new Http2KeepAlive(third * 3, third) : null,
        };
    }
}
