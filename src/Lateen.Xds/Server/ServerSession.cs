using System.Diagnostics.CodeAnalysis;
using Envoy.Config.Core.V3;
using Google.Protobuf;

namespace Lateen.Xds.Server;

/// <summary>
/// The server's side of one aggregated stream without IO. In: requests and views. Out: responses, in the order in which they must be
/// written, and how far the proxy has got.
/// </summary>
/// <remarks>Not thread-safe; <see cref="AggregatedDiscovery"/> guards it by the stream's lock.</remarks>
internal abstract class ServerSession<TRequest, TResponse>(XdsVariant variant)
    where TRequest : class, IMessage
    where TResponse : class, IMessage
{
    /// <summary>Who the proxy says it is; null before its first request.</summary>
    public Node? Node { get; private set; }

    public XdsStreamStatus Status => Schedule.Status;

    protected PushSchedule Schedule { get; } = new(variant);

    /// <summary>Takes in a request.</summary>
    /// <returns>Null, or what the client did against the protocol: the stream cannot go on.</returns>
    public string? Receive(TRequest request)
    {
        Node ??= NodeOf(request);
        if (Node is null)
        {
            return "the first request of a stream must carry the node";
        }

        string typeUrl = TypeUrlOf(request);
        if (typeUrl.Length == 0)
        {
            return "a request on the aggregated stream must carry a type_url";
        }

        Apply(Schedule.TypeOf(typeUrl), request);
        return Schedule.IsOverLimit ? "more types or names subscribed to than one stream may hold" : null;
    }

    /// <summary>True when the proxy subscribes to that resource now.</summary>
    public bool Asks(string typeUrl, string name) => Schedule.Find(typeUrl) is { } type && (type.IsWildcard || type.Knows(name));

    public void SetView(IResourceView view) => Schedule.SetView(view);

    /// <summary>The next response to write. Call until it says false after every input; <see cref="Status"/> is up to date then.</summary>
    public bool TryTakeResponse([NotNullWhen(true)] out TResponse? response)
    {
        response = Schedule.TryNext(out Push? push) ? ToResponse(push) : null;
        return response is not null;
    }

    protected abstract Node? NodeOf(TRequest request);

    protected abstract string TypeUrlOf(TRequest request);

    protected abstract void Apply(TypePush type, TRequest request);

    protected abstract TResponse ToResponse(Push push);
}
