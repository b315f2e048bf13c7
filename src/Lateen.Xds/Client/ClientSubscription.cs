using Google.Protobuf;

namespace Lateen.Xds.Client;

/// <summary>
/// What a client wants and holds of one type. The first half outlives connections and is what a reconnect resumes from; the second half
/// belongs to the stream in hand.
/// </summary>
internal sealed class ClientSubscription(string typeUrl)
{
    public string TypeUrl => typeUrl;

    public bool IsWildcard { get; set; }

    /// <summary>Names asked for; sorted, so that equal wishes make equal requests.</summary>
    public SortedSet<string> Names { get; } = new(StringComparer.Ordinal);

    /// <summary>Version of each resource that the consumer has accepted and still has.</summary>
    public Dictionary<string, string> HeldVersions { get; } = new(StringComparer.Ordinal);

    /// <summary>State of the world only: the accepted bytes, for that protocol does not say which resources changed.</summary>
    public Dictionary<string, ByteString> HeldBodies { get; } = new(StringComparer.Ordinal);

    /// <summary>State of the world only: the version of the last response that was accepted whole.</summary>
    public string AcceptedVersion { get; set; } = string.Empty;

    /// <summary>Part of a refused response is in use, so what is held is the set of no version.</summary>
    public bool IsMixed { get; set; }

    /// <summary>A response has come, on this or an earlier stream.</summary>
    public bool HasSpoken { get; set; }

    public bool IsWanted => IsWildcard || Names.Count > 0;

    /// <summary>The type's first request went out on this stream.</summary>
    public bool IsStarted { get; set; }

    /// <summary>Names given up that the server has not been told of on this stream.</summary>
    public SortedSet<string> Dropped { get; } = new(StringComparer.Ordinal);

    /// <summary>Delta only: names to subscribe to that the server has not been told of on this stream.</summary>
    public SortedSet<string> Added { get; } = new(StringComparer.Ordinal);

    /// <summary>State of the world only: names given up and wanted again before the server was told of either.</summary>
    public SortedSet<string> Again { get; } = new(StringComparer.Ordinal);

    /// <summary>State of the world only: the set of names differs from the one sent last.</summary>
    public bool HasNewNames { get; set; }

    /// <summary>Nonce of the last response on this stream.</summary>
    public string Nonce { get; set; } = string.Empty;

    /// <summary>Responses of this stream that are not answered yet, oldest first; some of them must not be answered yet.</summary>
    public List<OwedAnswer> Answers { get; } = [];

    /// <summary>A response of this type is with the consumer: nothing may be said that could pass for its acknowledgement.</summary>
    public bool IsInHand { get; set; }

    public bool Wants(string name) => IsWildcard || Names.Contains(name);

    public void Forget(string name)
    {
        HeldVersions.Remove(name);
        HeldBodies.Remove(name);
    }

    public void StartStream()
    {
        foreach (OwedAnswer answer in Answers.Where(static answer => !answer.IsDue))
        {
            // The server that is about to be told what is held would take these for served. Told with no version they come again, and
            // what they wait for is waited for again before their acknowledgement.
            answer.Names.ForEach(Doubt);
        }

        IsStarted = false;
        Added.Clear();
        Dropped.Clear();
        Again.Clear();
        HasNewNames = false;
        Nonce = string.Empty;
        Answers.Clear();
    }

    private void Doubt(string name)
    {
        if (HeldVersions.ContainsKey(name))
        {
            HeldVersions[name] = string.Empty;
            HeldBodies.Remove(name);
            IsMixed = true;
        }
    }
}

/// <summary>The answer to one response: an acknowledgement or, with a reason, a refusal.</summary>
/// <param name="nonce">Of the response.</param>
/// <param name="reason">Why it is refused; null: it is not.</param>
/// <param name="names">Resources that it brought.</param>
internal sealed class OwedAnswer(string nonce, string? reason, List<string> names)
{
    public string Nonce => nonce;

    public string? Reason => reason;

    public List<string> Names => names;

    /// <summary>It may be sent: the response is refused, or what it brought is in force.</summary>
    public bool IsDue { get; set; } = reason is not null;
}
