using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Google.Rpc;

namespace Lateen.Xds.Client;

/// <summary>
/// The client's side of aggregated xDS without IO. In: wishes, responses, verdicts, connects and disconnects. Out: requests, in the
/// order in which they must be written.
/// <para>
/// Disconnected --<see cref="OnConnected"/>--> connected; there, for each response: <see cref="Receive"/> (an update is in hand) -->
/// <see cref="Answer"/> (the verdict is recorded, and an ACK or NACK waits in <see cref="TryTakeRequest"/>; an ACK, if so wished, only
/// after <see cref="OwedAnswer.IsDue"/> is set). One response at a time is in hand; any number may wait to be in force.
/// </para>
/// </summary>
/// <remarks>
/// Not thread-safe; <see cref="XdsClient"/> drives it from one task. Requests for new subscriptions leave before the answers that are
/// due at the same moment: a server that waits for the ACK of a cluster then knows the wish for its endpoints already.
/// </remarks>
internal abstract class ClientSession<TRequest, TResponse>(Node node)
    where TRequest : class, IMessage
    where TResponse : class, IMessage
{
    /// <summary>Characters of a refusal's text; the rest of the bad resources are counted.</summary>
    private const int MaxReasonLength = 4096;

    /// <summary>google.rpc.Code.INVALID_ARGUMENT, which Envoy sends with a NACK too.</summary>
    private const int InvalidArgument = 3;

    private readonly SortedList<(int Order, string TypeUrl), ClientSubscription> _subscriptions = [];
    private bool _isConnected;
    private bool _nodeIsSent;
    private PendingVerdict? _inHand;

    /// <summary>Names in the update that waits for its verdict.</summary>
    public IEnumerable<string> NamesInHand => _inHand?.Update.Changed.Select(static resource => resource.Name) ?? [];

    protected Node Node => node;

    public void SubscribeAll(string typeUrl)
    {
        ClientSubscription subscription = GetOrAdd(typeUrl);
        if (!subscription.IsWildcard)
        {
            subscription.IsWildcard = true;
            OnWildcard(subscription);
        }
    }

    public void Subscribe(string typeUrl, string name)
    {
        ClientSubscription subscription = GetOrAdd(typeUrl);
        if (subscription.Names.Add(name))
        {
            OnSubscribed(subscription, name);
        }
    }

    public void Unsubscribe(string typeUrl, string name)
    {
        ClientSubscription subscription = GetOrAdd(typeUrl);
        if (subscription.Names.Remove(name))
        {
            if (!subscription.IsWildcard)
            {
                subscription.Forget(name);
            }

            OnUnsubscribed(subscription, name);
        }
    }

    /// <summary>A new stream is open. The verdict on what the last one brought must have been given: what is held is about to be told.</summary>
    public void OnConnected()
    {
        if (_inHand is not null)
        {
            throw new InvalidOperationException("An update waits for its Answer.");
        }

        _isConnected = true;
        _nodeIsSent = false;
        foreach (ClientSubscription subscription in _subscriptions.Values)
        {
            subscription.StartStream();
        }
    }

    /// <summary>The stream is gone. What is held stays held; a verdict still outstanding will be recorded but not sent, as are answers not yet due.</summary>
    public void OnDisconnected()
    {
        _isConnected = false;
    }

    /// <summary>The next request to write, if any. Call until it says false after every input.</summary>
    public bool TryTakeRequest([NotNullWhen(true)] out TRequest? request)
    {
        request = null;
        if (!_isConnected)
        {
            return false;
        }

        foreach (ClientSubscription subscription in _subscriptions.Values)
        {
            if ((request = TakeSubscription(subscription, !_nodeIsSent)) is not null)
            {
                _nodeIsSent = true;
                return true;
            }
        }

        foreach (ClientSubscription subscription in _subscriptions.Values)
        {
            if ((request = TakeAnswer(subscription)) is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Takes in a response and says what it changes. An empty update that is not the first needs no consumer; either way <see cref="Answer"/> must follow
    /// before the next response.
    /// </summary>
    public XdsUpdate Receive(TResponse response)
    {
        Debug.Assert(_inHand is null, "Answer must follow Receive.");
        string typeUrl = TypeUrlOf(response);
        if (!_subscriptions.TryGetValue((XdsTypeUrls.OrderOf(typeUrl), typeUrl), out ClientSubscription? subscription))
        {
            // Never asked for: no answer is owed, and none could make the server more right.
            subscription = new ClientSubscription(typeUrl);
        }

        var faults = new List<XdsRejection>();
        XdsUpdate update = Interpret(subscription, response, faults) with { IsFirst = !subscription.HasSpoken };
        subscription.HasSpoken = true;
        subscription.Nonce = NonceOf(response);
        subscription.IsInHand = true;
        _inHand = new PendingVerdict(subscription, update, faults, subscription.Nonce);
        return update;
    }

    /// <summary>The verdict on the update in hand: rejected names keep their last good version, all others are now held.</summary>
    /// <param name="rejections">What the consumer refused.</param>
    /// <param name="isInForce">False: an acknowledgement is not due yet.</param>
    /// <returns>What the server is owed; to be marked as due by the caller when it is not.</returns>
    public OwedAnswer Answer(IReadOnlyList<XdsRejection>? rejections, bool isInForce = true)
    {
        PendingVerdict verdict = _inHand ?? throw new InvalidOperationException("Answer without Receive.");
        _inHand = null;
        ClientSubscription subscription = verdict.Subscription;
        subscription.IsInHand = false;
        List<XdsRejection> faults = verdict.Faults;
        faults.AddRange(rejections ?? []);
        var bad = faults.Select(static fault => fault.Name).ToHashSet(StringComparer.Ordinal);
        foreach (XdsResource resource in verdict.Update.Changed)
        {
            // A wish may have been taken back while the consumer worked.
            if (!bad.Contains(resource.Name) && subscription.Wants(resource.Name))
            {
                Hold(subscription, resource);
            }
        }

        foreach (string name in verdict.Update.Removed)
        {
            subscription.Forget(name);
        }

        if (faults.Count == 0)
        {
            subscription.AcceptedVersion = verdict.Update.Version;
        }

        subscription.IsMixed = faults.Count > 0;

        // One that belongs to a stream which has ended is forgotten when the next one starts.
        var names = verdict.Update.Changed.Select(static resource => resource.Name).ToList();
        var answer = new OwedAnswer(verdict.Nonce, faults.Count == 0 ? null : Describe(faults), names);
        answer.IsDue |= isInForce;
        subscription.Answers.Add(answer);
        return answer;
    }

    protected abstract string TypeUrlOf(TResponse response);

    protected abstract string NonceOf(TResponse response);

    protected abstract XdsUpdate Interpret(ClientSubscription subscription, TResponse response, List<XdsRejection> faults);

    protected abstract void Hold(ClientSubscription subscription, XdsResource resource);

    protected abstract void OnWildcard(ClientSubscription subscription);

    protected abstract void OnSubscribed(ClientSubscription subscription, string name);

    protected abstract void OnUnsubscribed(ClientSubscription subscription, string name);

    /// <summary>The request that tells the server of wishes it does not know yet; null when it knows all.</summary>
    protected abstract TRequest? TakeSubscription(ClientSubscription subscription, bool withNode);

    protected abstract TRequest? TakeAnswer(ClientSubscription subscription);

    protected static Status ToStatus(string reason) => new() { Code = InvalidArgument, Message = reason };

    private ClientSubscription GetOrAdd(string typeUrl)
    {
        (int, string) key = (XdsTypeUrls.OrderOf(typeUrl), typeUrl);
        if (!_subscriptions.TryGetValue(key, out ClientSubscription? subscription))
        {
            subscription = new ClientSubscription(typeUrl);
            _subscriptions.Add(key, subscription);
        }

        return subscription;
    }

    private static string Describe(List<XdsRejection> faults)
    {
        var text = new StringBuilder();
        int told = 0;
        foreach (XdsRejection fault in faults)
        {
            if (text.Length + fault.Name.Length + fault.Reason.Length > MaxReasonLength)
            {
                break;
            }

            text.Append(told == 0 ? string.Empty : "; ").Append(fault.Name).Append(": ").Append(fault.Reason);
            told++;
        }

        if (told < faults.Count)
        {
            text.Append(told == 0 ? string.Empty : "; ").Append(faults.Count - told).Append(" more resources were refused");
        }

        return text.ToString();
    }

    private sealed record PendingVerdict(ClientSubscription Subscription, XdsUpdate Update, List<XdsRejection> Faults, string Nonce);
}
