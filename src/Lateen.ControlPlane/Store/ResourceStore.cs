using System.Collections.Immutable;
using Lateen.Model;

namespace Lateen.ControlPlane.Store;

/// <summary>
/// All resources, in numbered revisions. A commit takes effect whole or not at all, and every reader sees one revision: <see cref="Current"/> is
/// replaced, never edited. Resources come in two layers, sources and the API, and what is applied stands above.
/// </summary>
/// <remarks>
/// Thread-safe: commits are serialised by a lock that is held for the commit alone (the journal's flush included, so that an answered commit is
/// durable), readers take no lock. What is refused never gets here: validation comes before.
/// </remarks>
public sealed class ResourceStore : IDisposable
{
    /// <summary>Commits in the journal before it is rewritten as one. At some hundred octets each this bounds both the file and the time to start.</summary>
    private const int CompactAfter = 4096;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly RevisionJournal? _journal;
    private readonly int _historyLength;
    private ImmutableSortedDictionary<ResourceKey, Resource> _applied = ImmutableSortedDictionary<ResourceKey, Resource>.Empty;
    private ImmutableSortedDictionary<ResourceKey, Resource> _sources = ImmutableSortedDictionary<ResourceKey, Resource>.Empty;
    private ImmutableList<StoreRevision> _history = [];
    private StoreRevision _current;
    private int _journalled;

    /// <param name="journal">Keeps applied resources across restarts; null keeps them in memory only. The store disposes it.</param>
    /// <param name="historyLength">Revisions whose changes are remembered. Hit: the oldest is forgotten.</param>
    public ResourceStore(TimeProvider time, RevisionJournal? journal = null, int historyLength = 256)
    {
        _time = time;
        _journal = journal;
        _historyLength = historyLength;
        _current = StoreRevision.Initial(time.GetUtcNow());
    }

    /// <summary>The newest revision.</summary>
    public StoreRevision Current => Volatile.Read(ref _current);

    /// <summary>The newest revisions, oldest first.</summary>
    public IReadOnlyList<StoreRevision> History => Volatile.Read(ref _history);

    /// <summary>Called after each commit, on the committing thread; keep it short.</summary>
    public event Action<StoreRevision>? Committed;

    /// <summary>True when the resource is one that was applied, and so can be deleted through the API.</summary>
    public bool IsApplied(ResourceKey key) => Volatile.Read(ref _applied).ContainsKey(key);

    /// <summary>The source's own version of a resource, hidden or not.</summary>
    public Resource? FromSource(ResourceKey key) => Volatile.Read(ref _sources).GetValueOrDefault(key);

    /// <summary>Takes back what a journal holds, before anything is served. The revision number goes on from there.</summary>
    public void Restore(long revision, IEnumerable<Resource> applied)
    {
        lock (_gate)
        {
            _applied = applied.ToImmutableSortedDictionary(resource => resource.Key, resource => resource);
            var resources = _applied.ToImmutableSortedDictionary(
                pair => pair.Key, pair => new StoredResource(pair.Value, ResourceLayer.Applied, revision));
            Volatile.Write(ref _current, new StoreRevision(revision, _time.GetUtcNow(), "journal", resources, []));
        }
    }

    /// <summary>Applies and deletes in the upper layer, as one revision. When nothing changes, the present revision comes back.</summary>
    /// <returns>The revision, and what each resource named came to, unchanged ones included.</returns>
    public (StoreRevision Revision, ImmutableArray<StoreChange> Changes) Apply(IReadOnlyList<Resource> puts, IReadOnlyList<ResourceKey> deletes)
    {
        lock (_gate)
        {
            var changes = Plan(puts, deletes);
            var effective = changes.Where(change => change.Kind != ChangeKind.Unchanged || HasMoved(change)).ToImmutableArray();
            if (effective.IsEmpty) return (_current, changes);

            var applied = _applied.ToBuilder();
            foreach (var change in effective)
            {
                if (change.After is { } after) applied[change.Key] = after;
                else applied.Remove(change.Key);
            }

            long number = _current.Number + 1;
            // Order matters: durable first, then visible. A crash in between serves an unanswered commit after the restart, never the reverse.
            Journal(number, effective);
            _applied = applied.ToImmutable();
            return (Commit(number, "api", effective.Select(change => change.Key)), changes);
        }
    }

    /// <summary>What <see cref="Apply"/> would do, without doing it.</summary>
    public ImmutableArray<StoreChange> Preview(IReadOnlyList<Resource> puts, IReadOnlyList<ResourceKey> deletes)
    {
        lock (_gate) return Plan(puts, deletes);
    }

    /// <summary>Replaces all that the sources give. A resource that is the same object as before is not a change.</summary>
    public StoreRevision ReplaceSources(string origin, IEnumerable<Resource> resources)
    {
        lock (_gate)
        {
            var next = resources.ToImmutableSortedDictionary(resource => resource.Key, resource => resource);
            var touched = next.Where(pair => !ReferenceEquals(_sources.GetValueOrDefault(pair.Key), pair.Value)).Select(pair => pair.Key)
                .Concat(_sources.Keys.Where(key => !next.ContainsKey(key))).ToList();
            _sources = next;
            var visible = touched.Where(key => !_applied.ContainsKey(key)).ToList();
            if (visible.Count == 0) return _current;
            long number = _current.Number + 1;
            Journal(number, []);
            return Commit(number, origin, visible);
        }
    }

    /// <summary>A revision without a change of resources: something else that proxies are sent has changed, and its arrival can be waited for.</summary>
    public StoreRevision Touch(string origin)
    {
        lock (_gate)
        {
            long number = _current.Number + 1;
            Journal(number, []);
            return Commit(number, origin, []);
        }
    }

    private ImmutableArray<StoreChange> Plan(IReadOnlyList<Resource> puts, IReadOnlyList<ResourceKey> deletes)
    {
        var changes = ImmutableArray.CreateBuilder<StoreChange>(puts.Count + deletes.Count);
        foreach (var put in puts)
        {
            var before = _applied.GetValueOrDefault(put.Key) ?? _sources.GetValueOrDefault(put.Key);
            var kind = before is null ? ChangeKind.Created : IsSame(before, put) ? ChangeKind.Unchanged : ChangeKind.Configured;
            changes.Add(new StoreChange(put.Key, kind, before, put));
        }

        foreach (var key in deletes)
        {
            if (_applied.TryGetValue(key, out var before)) changes.Add(new StoreChange(key, ChangeKind.Deleted, before, null));
        }

        return changes.ToImmutable();
    }

    /// <summary>Its text is the same and stands in another line of the file that it was applied from: no change for whoever applies it, but proxies name the line.</summary>
    private bool HasMoved(StoreChange change) =>
        _applied.TryGetValue(change.Key, out var held) && held.Metadata.Location is { } from && change.After?.Metadata.Location is { } to
        && from.File == to.File && from.Line != to.Line;

    private static bool IsSame(Resource left, Resource right) => left.ContentHash == right.ContentHash && left.Text == right.Text;

    /// <summary>Makes the revision in which the given keys have what the layers now give them.</summary>
    private StoreRevision Commit(long number, string origin, IEnumerable<ResourceKey> keys)
    {
        var resources = _current.Resources.ToBuilder();
        var changes = ImmutableArray.CreateBuilder<StoreChange>();
        foreach (var key in keys)
        {
            var before = _current.Resources.GetValueOrDefault(key)?.Resource;
            var (after, layer) = _applied.TryGetValue(key, out var own) ? (own, ResourceLayer.Applied) : (_sources.GetValueOrDefault(key), ResourceLayer.Source);
            if (ReferenceEquals(before, after)) continue;
            if (after is null) resources.Remove(key);
            else resources[key] = new StoredResource(after, layer, number);
            var kind = before is null ? ChangeKind.Created : after is null ? ChangeKind.Deleted : ChangeKind.Configured;
            changes.Add(new StoreChange(key, kind, before, after));
        }

        var revision = new StoreRevision(number, _time.GetUtcNow(), origin, resources.ToImmutable(), changes.ToImmutable());
        var history = _history.Add(revision);
        Volatile.Write(ref _history, history.Count > _historyLength ? history.RemoveAt(0) : history);
        Volatile.Write(ref _current, revision);
        Committed?.Invoke(revision);
        return revision;
    }

    private void Journal(long number, IEnumerable<StoreChange> changes)
    {
        if (_journal is null) return;
        var puts = new List<JournalPut>();
        var deletes = new List<JournalKey>();
        foreach (var change in changes)
        {
            if (change.After is { } resource) puts.Add(PutOf(resource));
            else deletes.Add(KeyOf(change.Key));
        }

        _journal.Append(new JournalEntry(number, _time.GetUtcNow(), puts, deletes));
        if (++_journalled >= CompactAfter) CompactJournal(number, changes);
    }

    private void CompactJournal(long number, IEnumerable<StoreChange> changes)
    {
        var held = _applied.ToBuilder();
        foreach (var change in changes)
        {
            if (change.After is { } after) held[change.Key] = after;
            else held.Remove(change.Key);
        }

        _journal!.Compact(new JournalEntry(number, _time.GetUtcNow(), [.. held.Values.Select(PutOf)], []));
        _journalled = 0;
    }

    private static JournalPut PutOf(Resource resource) => new(
        KeyOf(resource.Key), resource.Text, resource.Namespace, resource.Metadata.CreatedAt, resource.Metadata.Location?.File, resource.Metadata.TextLine);

    private static JournalKey KeyOf(ResourceKey key) => new(key.Kind.Group, key.Kind.Name, key.Namespace, key.Name);

    public void Dispose() => _journal?.Dispose();
}
