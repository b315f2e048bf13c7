using Lateen.ControlPlane.Api;
using Lateen.Model;

namespace Lateen.ControlPlane.Store;

/// <summary>Opens the store with what the last run left: replays the journal, and shortens it to what still counts.</summary>
internal static class StoreRestoration
{
    public static ResourceStore Open(ControlPlaneOptions options)
    {
        if (options.StateDirectory is not { } directory) return new ResourceStore(options.Time, journal: null, options.HistoryLength);
        var journal = RevisionJournal.Open(directory, out var entries);
        var store = new ResourceStore(options.Time, journal, options.HistoryLength);
        if (entries.Count == 0) return store;

        var puts = Replay(entries);
        var resources = new List<Resource>();
        foreach (var (key, put) in puts)
        {
            if (Texts.Reread(put.Text, put.File ?? "applied", put.File is null ? 1 : put.Line, put.Namespace, put.CreatedAt) is { } resource) resources.Add(resource);
            else options.Log($"warning: {key.Kind}/{key.Namespace}/{key.Name} of the journal is not accepted by this release and is left out; apply it again to see why");
        }

        long revision = entries[^1].Revision;
        if (entries.Count > 1) journal.Compact(new JournalEntry(revision, options.Time.GetUtcNow(), [.. puts.Values], []));
        store.Restore(revision, resources);
        return store;
    }

    private static Dictionary<JournalKey, JournalPut> Replay(IReadOnlyList<JournalEntry> entries)
    {
        var held = new Dictionary<JournalKey, JournalPut>();
        foreach (var entry in entries)
        {
            foreach (var put in entry.Puts) held[put.Key] = put;
            foreach (var key in entry.Deletes) held.Remove(key);
        }

        return held;
    }
}
