using System.Collections.Immutable;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Xds;

namespace Lateen.Proxy.Tls;

/// <summary>
/// All secrets that TLS contexts are made from: those of the bootstrap file, those that the control plane sends, those that stand in the
/// contexts themselves, and the files that any of them names.
/// </summary>
/// <remarks>
/// Configuration thread only. A replacement that is bad by itself is refused, and all contexts keep what they have. One that is good swaps in all contexts at once; a context that
/// cannot be made with it (an elliptic key where only RSA suites are allowed) keeps what it has and is named in a warning: it must not keep all others
/// from a new certificate. Certificate and key in two files are replaced one after the other by most tools:
/// between the two they do not fit together, which is no more than a reason to look again.
/// </remarks>
internal sealed class SecretStore : IDisposable
{
    /// <summary>Wait before files that could not be used are read again; as long as they were found bad already, up to <see cref="LongestRetry"/>.</summary>
    public static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(25);

    /// <summary>Longest wait before files that could not be used are read again.</summary>
    public static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(5);

    /// <summary>How long files may be found bad before it is reported: what heals sooner was a replacement under way.</summary>
    public static readonly TimeSpan QuietTime = TimeSpan.FromMilliseconds(500);

    private readonly ClusterEnvironment _environment;
    private readonly SubscriptionLedger _subscriptions;
    private readonly ResourceLedger _ledger;
    private readonly SecretWatcher _watcher;
    private readonly Dictionary<(string Name, SecretOrigin Origin), SecretRecord> _named = [];
    private readonly Dictionary<(ISecretUser User, int Index), SecretRecord> _inline = [];
    private long _firstExpiryTicks;
    private bool _isExpiryStale;
    private bool _hasNews;

    public SecretStore(ClusterEnvironment environment, SubscriptionLedger subscriptions, ResourceLedger ledger)
    {
        _environment = environment;
        _subscriptions = subscriptions;
        _ledger = ledger;
        _watcher = new SecretWatcher(environment.Thread, environment.Time);
    }

    /// <summary>Something outside of a call changed: a wait is over, files have come.</summary>
    public Action? Stirred { get; set; }

    /// <summary>Told of files that cannot be used while older content stays.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>Told of every attempt to take a version of a named secret.</summary>
    public Action<SecretEvent>? OnEvent { get; init; }

    /// <summary>
    /// When the first certificate in use ends, ticks of UTC; 0: there is none. Any thread may read it.
    /// </summary>
    public long FirstExpiryTicks => Volatile.Read(ref _firstExpiryTicks);

    /// <summary>The certificates of all secrets that some context uses.</summary>
    public ImmutableArray<CertificatesInUse> CertificatesInUse =>
    [
        .. InUse.Where(static record => record.Content!.Certificates.Count > 0).Select(static record => new CertificatesInUse(
            SecretContent.PathOf(record.Wanted!), record.Content!.Message.TypeCase == Secret.TypeOneofCase.ValidationContext, [.. record.Content.Certificates])),
    ];

    private IEnumerable<SecretRecord> InUse =>
        _named.Values.Concat(_inline.Values).Where(static record => record.Users.Count > 0 && record.Content is not null);

    /// <summary>The content of a static secret; null when there is none of that name.</summary>
    public SecretContent? StaticContent(string name) => _named.GetValueOrDefault((name, SecretOrigin.Bootstrap))?.Content;

    /// <summary>Takes a secret of the bootstrap file. Before everything that may name it.</summary>
    public void AcceptStatic(Secret secret, FieldPath path, ConfigurationErrors errors)
    {
        if (SecretContent.ReadResource(secret, path, errors) is not { } content) return;
        var record = new SecretRecord(secret.Name) { Wanted = secret, Content = content };
        _named[(secret.Name, SecretOrigin.Bootstrap)] = record;
        Follow(record);
    }

    /// <summary>A context comes into use, or is to when its secrets have come.</summary>
    public void Attach(ISecretUser user)
    {
        for (var i = 0; i < user.Sources.Length; i++)
        {
            var record = RecordOf(user, i);
            record.Users.Add(user);
            if (record.Content is null && record.Patience is null && user.Sources[i].Patience is { } patience)
            {
                record.Patience = _environment.Time.CreateTimer(
                    _ => _environment.Thread.Post(() => OnPatienceOver(record)), null, patience, Timeout.InfiniteTimeSpan);
            }
        }

        _isExpiryStale = true;

        // What came before the context did is what it starts with; it was good for others, so a failure is this context's own.
        var errors = new ConfigurationErrors();
        PrepareWith(user, null, null, errors)?.Invoke();
        if (errors.Any) OnWarning?.Invoke(errors.All[0].ToString());
    }

    /// <summary>A context is used by no new connection any more.</summary>
    public void Detach(ISecretUser user)
    {
        _isExpiryStale = true;
        for (var i = 0; i < user.Sources.Length; i++)
        {
            var source = user.Sources[i];
            if (source.Name is null)
            {
                if (_inline.Remove((user, i), out var own)) own.Dispose();
            }
            else if (_named.TryGetValue((source.Name, source.Origin), out var record))
            {
                record.Users.Remove(user);
                if (source.Origin == SecretOrigin.ControlPlane && _subscriptions.Release(XdsTypeUrls.Secret, source.Name)) Forget(record);
            }
        }
    }

    /// <summary>Since the last call a secret came, or stopped to be waited for: who waited may go on.</summary>
    public bool TakeNews()
    {
        var had = _hasNews;
        _hasNews = false;
        return had;
    }

    /// <summary>Brings <see cref="FirstExpiryTicks"/> up to date. After every change of what is used.</summary>
    public void Settle()
    {
        if (!_isExpiryStale) return;
        _isExpiryStale = false;
        var first = InUse.SelectMany(static record => record.Content!.Certificates).Select(static certificate => certificate.NotAfter.UtcTicks).DefaultIfEmpty().Min();
        Volatile.Write(ref _firstExpiryTicks, first);
    }

    /// <summary>The context can be used, or waiting for it is over.</summary>
    public bool IsSettled(ISecretUser user)
    {
        for (var i = 0; i < user.Sources.Length; i++)
        {
            if (user.Contents[i] is null && !RecordOf(user, i, attaches: false).IsGivenUp) return false;
        }

        return true;
    }

    /// <summary>Takes a secret that the control plane sent.</summary>
    /// <returns>False when it is refused; what was in use stays. Files that cannot be used are tried again nonetheless.</returns>
    public bool TryAccept(string name, Secret secret, ConfigurationErrors errors)
    {
        if (!_named.TryGetValue((name, SecretOrigin.ControlPlane), out var record)) return true;
        record.Wanted = secret;
        Follow(record);
        var isTaken = SecretContent.ReadResource(secret, FieldPath.Root, errors) is { } content && TrySwap(record, content, errors);
        OnEvent?.Invoke(new SecretEvent(name, isTaken ? SecretOutcome.Taken : SecretOutcome.Refused));
        if (isTaken) Succeed(record);
        else if (!SecretContent.WatchedBy(secret).IsEmpty) TryLater(record);
        return isTaken;
    }

    /// <summary>Takes a secret of the proxy's own identity: from now on the contexts that name it use it.</summary>
    /// <returns>False when it is bad by itself; what was in use stays.</returns>
    public bool TryAcceptIdentity(Secret secret, ConfigurationErrors errors)
    {
        var key = (secret.Name, SecretOrigin.Identity);
        if (!_named.TryGetValue(key, out var record)) _named.Add(key, record = new SecretRecord(secret.Name));
        var isFirst = record.Content is null;
        var isTaken = SecretContent.ReadResource(secret, FieldPath.Root, errors) is { } content && TrySwap(record, content, errors);
        if (isTaken) record.Wanted = secret;
        OnEvent?.Invoke(new SecretEvent(secret.Name, !isTaken ? SecretOutcome.Refused : isFirst ? SecretOutcome.Taken : SecretOutcome.Rotated));
        return isTaken;
    }

    /// <summary>The control plane has no secret of that name. One that is in use stays in use, as in Envoy.</summary>
    public void SetAbsent(string name)
    {
        if (_named.TryGetValue((name, SecretOrigin.ControlPlane), out var record) && record.Content is null) GiveUp(record);
    }

    public void Dispose()
    {
        foreach (var record in _named.Values.Concat(_inline.Values)) record.Dispose();
        _watcher.Dispose();
    }

    private SecretRecord RecordOf(ISecretUser user, int index, bool attaches = true)
    {
        var source = user.Sources[index];
        SecretRecord? record;
        if (source.Name is null)
        {
            if (_inline.TryGetValue((user, index), out record)) return record;
            record = new SecretRecord(string.Empty) { Path = source.Path, Wanted = source.Inline, Content = user.Contents[index] };
            _inline.Add((user, index), record);
            Follow(record);
            return record;
        }

        var key = (source.Name, source.Origin);
        if (!_named.TryGetValue(key, out record)) _named.Add(key, record = new SecretRecord(source.Name));
        if (attaches && source.Origin == SecretOrigin.ControlPlane) _subscriptions.Need(XdsTypeUrls.Secret, source.Name);
        return record;
    }

    private void Forget(SecretRecord record)
    {
        _named.Remove((record.Name, SecretOrigin.ControlPlane));
        record.Dispose();
        _ledger.Removed(record.Name);
    }

    private void Follow(SecretRecord record)
    {
        record.Watch?.Dispose();
        var watched = SecretContent.WatchedBy(record.Wanted!);
        record.Watch = watched.IsEmpty ? null : _watcher.Add(watched, () => LookAgain(record));
    }

    /// <summary>The files of a secret may have changed.</summary>
    private void LookAgain(SecretRecord record)
    {
        var errors = new ConfigurationErrors();
        var content = record.Path is { } path
            ? SecretContent.Read(record.Wanted!, path, errors)
            : SecretContent.ReadResource(record.Wanted!, FieldPath.Root, errors);
        if (content is not null && record.Content is { } current && content.HasContentOf(current))
        {
            Succeed(record);
            return;
        }

        if (content is not null && TrySwap(record, content, errors))
        {
            Succeed(record);
            Settle();
            if (_hasNews) Stirred?.Invoke();
            if (record.Name.Length > 0) OnEvent?.Invoke(new SecretEvent(record.Name, SecretOutcome.Rotated));
            return;
        }

        TryLater(record);
        if (BadFor(record) < QuietTime) return;
        var complaint = string.Join("; ", errors.All);
        if (complaint == record.Complaint) return;
        record.Complaint = complaint;
        if (record.Name.Length > 0) OnEvent?.Invoke(new SecretEvent(record.Name, SecretOutcome.RotationFailed));
        var what = record.Name.Length > 0 ? $"secret '{record.Name}': " : string.Empty;
        OnWarning?.Invoke($"{what}{complaint}; {(record.Content is null ? "there is nothing to use instead" : "what was there before stays in use")}");
    }

    private void TryLater(SecretRecord record)
    {
        record.FailingSince ??= _environment.Time.GetTimestamp();
        var wait = TimeSpan.FromTicks(Math.Clamp(BadFor(record).Ticks, FirstRetry.Ticks, LongestRetry.Ticks));
        record.Retry?.Dispose();
        record.Retry = _environment.Time.CreateTimer(_ => _environment.Thread.Post(() => LookAgain(record)), null, wait, Timeout.InfiniteTimeSpan);
    }

    private TimeSpan BadFor(SecretRecord record) => record.FailingSince is { } since ? _environment.Time.GetElapsedTime(since) : TimeSpan.Zero;

    private static void Succeed(SecretRecord record)
    {
        record.Retry?.Dispose();
        record.Retry = null;
        record.FailingSince = null;
        record.Complaint = string.Empty;
    }

    private bool TrySwap(SecretRecord record, SecretContent content, ConfigurationErrors errors)
    {
        SecretCheck.Check(content, record.Path ?? FieldPath.Root.Field(SecretKinds.NameOf(content.Message.TypeCase)), errors);
        if (errors.Any) return false;
        var commits = new List<Action>(record.Users.Count);
        var misfits = new ConfigurationErrors();
        foreach (var user in record.Users)
        {
            if (PrepareWith(user, record, content, misfits) is { } commit) commits.Add(commit);
        }

        foreach (var misfit in misfits.All) OnWarning?.Invoke($"{misfit}; this context keeps what it has");
        var wasAwaited = record.Content is null;
        record.Content = content;
        _isExpiryStale = true;
        record.Patience?.Dispose();
        record.Patience = null;
        foreach (var commit in commits) commit();
        _hasNews |= wasAwaited;
        return true;
    }

    /// <summary>Makes a context from what its sources hold, one of them replaced; null when another has not come, or on an error.</summary>
    private Action? PrepareWith(ISecretUser user, SecretRecord? replaced, SecretContent? replacement, ConfigurationErrors errors)
    {
        var contents = new SecretContent[user.Sources.Length];
        var isNews = false;
        for (var i = 0; i < contents.Length; i++)
        {
            var record = RecordOf(user, i, attaches: false);
            if ((ReferenceEquals(record, replaced) ? replacement : record.Content) is not { } content) return null;
            isNews |= !ReferenceEquals(content, user.Contents[i]);
            contents[i] = content;
        }

        if (!isNews || user.Prepare(contents, errors) is not { } commit) return null;
        return () =>
        {
            contents.CopyTo(user.Contents, 0);
            commit();
        };
    }

    private void OnPatienceOver(SecretRecord record)
    {
        if (record.Content is not null || record.IsGivenUp) return;
        OnEvent?.Invoke(new SecretEvent(record.Name, SecretOutcome.TimedOut));
        GiveUp(record);
        Stirred?.Invoke();
    }

    private void GiveUp(SecretRecord record)
    {
        record.IsGivenUp = true;
        _hasNews = true;
    }
}
