using System.Diagnostics;
using Google.Protobuf;

namespace Lateen.Xds.Server;

/// <summary>
/// What one proxy asked for, was sent and acknowledged of one type, and what it still needs: the difference between the view and what
/// was sent. The schedule decides when a difference may go out.
/// </summary>
internal sealed class TypePush(string typeUrl, bool isWholeSet)
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>What the proxy has or was told: null for "does not exist". Removed resources stay until their removal is sent.</summary>
    private readonly Dictionary<string, XdsResource?> _sent = new(StringComparer.Ordinal);

    /// <summary>Resources of a refused response. They count as not delivered, and go again with the next change of this type.</summary>
    private readonly HashSet<string> _refused = new(StringComparer.Ordinal);

    private readonly List<XdsResource> _upserts = [];
    private readonly List<string> _absent = [];
    private readonly List<string> _removals = [];
    private readonly List<string> _inFlight = [];
    private IReadOnlyDictionary<string, XdsResource> _wanted = ResourceView.Empty.ResourcesOf(string.Empty);
    private long _wantedRevision;
    private long _inFlightRevision;
    private string _resumeVersion = string.Empty;

    /// <summary>
    /// A first response is owed even if it is empty: a proxy counts itself as started when it has heard of listeners and clusters once,
    /// and a whole set that is empty takes away what the proxy may still hold.
    /// </summary>
    private bool _owesFirst;
    private bool _hasView;
    private bool _isDirty;

    public string TypeUrl => typeUrl;

    /// <summary>State of the world for listeners and clusters: a response must hold the whole set.</summary>
    public bool IsWholeSet => isWholeSet;

    public bool IsStarted { get; set; }

    public bool IsWildcard { get; private set; }

    /// <summary>The proxy came with resources from an earlier stream.</summary>
    public bool IsResumed { get; private set; }

    public int NameCount => _names.Count;

    public string? AwaitedNonce { get; private set; }

    public bool IsAwaiting => AwaitedNonce is not null;

    public string? RejectionReason { get; private set; }

    public long SentRevision { get; private set; }

    public long AcknowledgedRevision { get; private set; }

    /// <summary>Responses taken so far.</summary>
    public long Responses { get; private set; }

    public bool HasUpserts
    {
        get
        {
            Refresh();
            return _owesFirst || _upserts.Count > 0 || _absent.Count > 0;
        }
    }

    public bool HasRemovals
    {
        get
        {
            Refresh();
            return _removals.Count > 0;
        }
    }

    public bool Knows(string name) => _names.Contains(name);

    public void Subscribe(string name)
    {
        _owesFirst |= NameCount == 0 && !IsWildcard && (isWholeSet || (name == "*" && _sent.Count == 0));
        if (name == "*")
        {
            IsWildcard = true;
        }
        else if (!_names.Add(name))
        {
            // A repeated subscription asks to be sent the resource again (xDS protocol, "Subscribing to resources").
            _sent.Remove(name);
        }

        _isDirty = true;
    }

    public void Unsubscribe(string name)
    {
        if (name == "*")
        {
            IsWildcard = false;
            foreach (string sent in _sent.Keys.Where(sent => !_names.Contains(sent)).ToList())
            {
                _sent.Remove(sent);
            }
        }
        else if (_names.Remove(name) && !IsWildcard)
        {
            _sent.Remove(name);
        }

        // What was refused and is not asked for any more must not ride along with the next change: it would count as sent when it is asked for again.
        _refused.RemoveWhere(refused => !IsAskedFor(refused));

        _isDirty = true;
    }

    /// <summary>The proxy holds this version from an earlier stream; it is not sent again while the view agrees.</summary>
    public void Resume(string name, string version)
    {
        if (IsAskedFor(name))
        {
            _sent[name] = new XdsResource(name, version, ByteString.Empty);
            _owesFirst = false;
            IsResumed = true;
            _isDirty = true;
        }
    }

    /// <summary>
    /// The proxy holds the whole set at <paramref name="setVersion"/> from an earlier stream (state of the world). Compared with the view
    /// as soon as there is one.
    /// </summary>
    public void ResumeSet(string setVersion)
    {
        _resumeVersion = setVersion;
        _isDirty = true;
    }

    public void SetView(IResourceView view)
    {
        IReadOnlyDictionary<string, XdsResource> wanted = view.ResourcesOf(typeUrl);
        _isDirty |= !_hasView || !ReferenceEquals(wanted, _wanted);
        _wanted = wanted;
        _wantedRevision = view.Revision;
        _hasView = true;
    }

    /// <summary>The next response of this type: additions and changes, or else removals; the state is as if it had been sent.</summary>
    public Push Take(bool removals, string nonce)
    {
        Refresh();
        Debug.Assert(!IsAwaiting, "One response of a type at a time.");
        var push = new Push(this, nonce, removals ? [] : [.. _upserts], removals ? [.. _removals] : [.. _absent]);
        _inFlight.Clear();
        foreach (XdsResource resource in push.Upserts)
        {
            _sent[resource.Name] = resource;
            _refused.Remove(resource.Name);
            _inFlight.Add(resource.Name);
        }

        foreach (string name in push.Removals)
        {
            if (_names.Contains(name))
            {
                _sent[name] = null;
            }
            else
            {
                _sent.Remove(name);
            }
        }

        if (removals)
        {
            _removals.Clear();
        }
        else
        {
            _owesFirst = false;
            _upserts.Clear();
            _absent.Clear();
        }

        bool isComplete = IsEven;
        SentRevision = isComplete ? _wantedRevision : SentRevision;
        _inFlightRevision = isComplete ? _wantedRevision : 0;
        AwaitedNonce = nonce;
        Responses++;
        return push;
    }

    /// <summary>Forgets removals that cannot be told: state of the world has no words for a route configuration that is gone.</summary>
    public void DropRemovals()
    {
        Refresh();
        foreach (string name in _removals.Concat(_absent))
        {
            _sent[name] = null;
        }

        _removals.Clear();
        _absent.Clear();
    }

    /// <summary>The whole set as it stands after the last <see cref="Take"/>, removed resources included until their removal is sent.</summary>
    public IEnumerable<XdsResource> Sent() => _sent.Values.OfType<XdsResource>();

    public void Accept()
    {
        AwaitedNonce = null;
        RejectionReason = null;
        AcknowledgedRevision = Math.Max(AcknowledgedRevision, _inFlightRevision);
    }

    public void Reject(string reason)
    {
        AwaitedNonce = null;
        RejectionReason = reason;
        _refused.UnionWith(_inFlight.Where(IsAskedFor));
    }

    private bool IsAskedFor(string name) => IsWildcard || _names.Contains(name);

    /// <summary>Nothing is left to send.</summary>
    private bool IsEven => !_owesFirst && _upserts.Count + _absent.Count + _removals.Count == 0;

    private IEnumerable<XdsResource> Matching() => IsWildcard
        ? _wanted.Values
        : _names.Select(name => _wanted.GetValueOrDefault(name)).OfType<XdsResource>();

    /// <summary>When nothing is owed and nothing is out, the type is served at whatever revision the view has reached.</summary>
    public void Settle()
    {
        if (!_hasView || IsAwaiting)
        {
            return;
        }

        Refresh();
        if (IsEven)
        {
            SentRevision = _wantedRevision;
            AcknowledgedRevision = RejectionReason is null ? _wantedRevision : AcknowledgedRevision;
        }
    }

    private void AdoptResumed()
    {
        if (_resumeVersion.Length > 0 && _sent.Count == 0 && ContentVersion.OfSet(Matching()) == _resumeVersion)
        {
            _owesFirst = false;
            foreach (XdsResource resource in Matching())
            {
                _sent[resource.Name] = resource;
            }

            foreach (string name in _names.Where(name => !_wanted.ContainsKey(name)))
            {
                _sent[name] = null;
            }
        }

        _resumeVersion = string.Empty;
    }

    private void Refresh()
    {
        if (!_isDirty || !_hasView)
        {
            return;
        }

        _isDirty = false;
        AdoptResumed();
        _upserts.Clear();
        _absent.Clear();
        _removals.Clear();
        foreach (XdsResource resource in Matching())
        {
            if (!_sent.TryGetValue(resource.Name, out XdsResource? sent) || sent?.Version != resource.Version)
            {
                _upserts.Add(resource);
            }
        }

        foreach (string name in _names)
        {
            if (!_wanted.ContainsKey(name) && !_sent.ContainsKey(name))
            {
                _absent.Add(name);
            }
        }

        foreach ((string name, XdsResource? sent) in _sent)
        {
            if (sent is not null && !_wanted.ContainsKey(name))
            {
                _removals.Add(name);
            }
        }

        if (_refused.Count > 0 && _upserts.Count + _removals.Count > 0)
        {
            _upserts.AddRange(_refused.Select(name => _wanted.GetValueOrDefault(name)).OfType<XdsResource>().Except(_upserts));
        }

        // Equal views make equal responses, whatever order dictionaries have.
        _upserts.Sort(static (left, right) => string.CompareOrdinal(left.Name, right.Name));
        _absent.Sort(StringComparer.Ordinal);
        _removals.Sort(StringComparer.Ordinal);
    }
}

/// <summary>One response to be: of which type, with what. Removals are names that are gone or do not exist.</summary>
internal sealed record Push(TypePush Type, string Nonce, IReadOnlyList<XdsResource> Upserts, IReadOnlyList<string> Removals);
