using Envoy.Extensions.TransportSockets.Tls.V3;

namespace Lateen.Proxy.Tls;

/// <summary>One secret, by its name or as it stands in one context: what was said of it, what is in use, and by whom.</summary>
/// <remarks>Configuration thread only.</remarks>
internal sealed class SecretRecord(string name)
{
    /// <summary>Empty for one that stands in a context.</summary>
    public string Name => name;

    /// <summary>Where it stands in its context; null for one with a name.</summary>
    public Lateen.Proxy.Configuration.FieldPath? Path { get; init; }

    /// <summary>The secret as it was sent or written, files by name; null before it has come.</summary>
    public Secret? Wanted { get; set; }

    /// <summary>What is in use; null before the first good one.</summary>
    public SecretContent? Content { get; set; }

    public HashSet<ISecretUser> Users { get; } = [];

    /// <summary>Nobody waits for it any more: the control plane has none, or the time for it is over.</summary>
    public bool IsGivenUp { get; set; }

    /// <summary>Ends the wait for the first version.</summary>
    public ITimer? Patience { get; set; }

    /// <summary>Its files, if it has any.</summary>
    public IDisposable? Watch { get; set; }

    /// <summary>The next attempt at files that did not fit together.</summary>
    public ITimer? Retry { get; set; }

    /// <summary>When the files in use now were first found not to fit together, in ticks of the clock; null: they fit.</summary>
    public long? FailingSince { get; set; }

    /// <summary>What was said of the last failure, so that it is said once.</summary>
    public string Complaint { get; set; } = string.Empty;

    public void Dispose()
    {
        Patience?.Dispose();
        Watch?.Dispose();
        Retry?.Dispose();
    }
}
