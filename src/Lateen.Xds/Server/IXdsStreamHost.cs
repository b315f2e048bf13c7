using Envoy.Config.Core.V3;

namespace Lateen.Xds.Server;

/// <summary>
/// The control plane as the discovery service sees it: it is told who connected, gives each stream its view, and hears how far the
/// proxy got.
/// </summary>
/// <remarks>Calls for one stream never overlap; calls for different streams do. Implementations return quickly and do not block.</remarks>
public interface IXdsStreamHost
{
    /// <summary>The first request came, and with it the node. Call <see cref="IXdsStream.Push"/> now or as soon as a view exists.</summary>
    void OnOpened(IXdsStream stream);

    /// <summary>The proxy subscribed, was sent something, acknowledged or refused.</summary>
    void OnStatus(IXdsStream stream, XdsStreamStatus status);

    /// <summary>The stream ended, by the proxy, the network or <see cref="IXdsStream.Close"/>.</summary>
    void OnClosed(IXdsStream stream, string reason);
}

/// <summary>One connected proxy.</summary>
/// <remarks>All members may be used from any thread.</remarks>
public interface IXdsStream
{
    /// <summary>Unique within this process.</summary>
    long Id { get; }

    /// <summary>Who it says it is (<c>sidecar~10.0.0.1~name.namespace~namespace.svc.cluster.local</c>), with its metadata.</summary>
    Node Node { get; }

    /// <summary>Where it connects from, as gRPC writes it (<c>ipv4:127.0.0.1:40022</c>).</summary>
    string Peer { get; }

    /// <summary>Who the transport proved it to be (the SPIFFE id of a client certificate); null where nobody asked for proof.</summary>
    string? PeerIdentity { get; }

    XdsVariant Variant { get; }

    XdsStreamStatus Status { get; }

    /// <summary>True when the proxy subscribes to that resource now, by its name or by all names.</summary>
    bool Asks(string typeUrl, string name);

    /// <summary>
    /// Gives the stream what the proxy should have from now on. A view that has not been sent yet is replaced: however fast views
    /// come, at most one waits.
    /// </summary>
    void Push(IResourceView view);

    /// <summary>Ends the stream; the proxy keeps what it has and reconnects.</summary>
    void Close(string reason);

    /// <summary>Ends the stream because the proxy may not have what it asks for; it is told no more than that (PERMISSION_DENIED).</summary>
    void Deny(string reason);
}
