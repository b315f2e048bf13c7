using Lateen.ControlPlane.Store;
using Lateen.Model;
using Lateen.Model.Networking;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.ControlPlane.Tests;

public sealed class StoreTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("lateen-store-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static Resource<WorkloadEntry> Entry(string name, string address = "10.0.0.1") => new(
        ResourceKind.WorkloadEntry, new ResourceMetadata { Name = name, Namespace = "shop" }, new WorkloadEntry { Address = address }, text: $"{name} {address}");

    [Fact]
    public void Readers_of_a_revision_never_see_a_later_one()
    {
        using var store = new ResourceStore(_time);
        var (first, _) = store.Apply([Entry("a")], []);
        store.Apply([Entry("b")], [Entry("a").Key]);

        Assert.Equal(["a"], first.Resources.Values.Select(stored => stored.Resource.Name));
        Assert.Equal(["b"], store.Current.Resources.Values.Select(stored => stored.Resource.Name));
        Assert.Equal([ChangeKind.Created, ChangeKind.Deleted], store.Current.Changes.Select(change => change.Kind).Order());
    }

    [Fact]
    public void History_forgets_the_oldest_beyond_its_length()
    {
        using var store = new ResourceStore(_time, journal: null, historyLength: 3);
        for (int i = 0; i < 5; i++) store.Apply([Entry("a", $"10.0.0.{i}")], []);
        Assert.Equal([3L, 4L, 5L], store.History.Select(revision => revision.Number));
    }

    [Fact]
    public void Source_that_gives_the_same_objects_again_makes_no_revision()
    {
        using var store = new ResourceStore(_time);
        var entry = Entry("a");
        var first = store.ReplaceSources("files", [entry]);
        Assert.Same(first, store.ReplaceSources("files", [entry]));
    }

    [Fact]
    public void Source_change_under_an_applied_resource_changes_nothing_that_is_served()
    {
        using var store = new ResourceStore(_time);
        var (applied, _) = store.Apply([Entry("a", "10.0.0.1")], []);
        Assert.Same(applied, store.ReplaceSources("files", [Entry("a", "10.0.0.2")]));
    }

    [Fact]
    public void Torn_last_line_of_the_journal_is_cut_off_and_the_rest_is_kept()
    {
        using (var journal = RevisionJournal.Open(_directory, out _))
        using (var store = new ResourceStore(_time, journal))
        {
            store.Apply([Entry("a")], []);
            store.Apply([Entry("b")], []);
        }

        string file = Path.Combine(_directory, "journal.jsonl");
        byte[] whole = File.ReadAllBytes(file);
        int lastLine = Array.LastIndexOf(whole, (byte)'\n', whole.Length - 2) + 1;
        for (int cut = lastLine; cut < whole.Length; cut++)
        {
            File.WriteAllBytes(file, whole[..cut]);
            using (RevisionJournal.Open(_directory, out var entries))
            {
                Assert.Equal([1L], entries.Select(entry => entry.Revision));
            }

            Assert.Equal(lastLine, new FileInfo(file).Length);
        }
    }

    [Fact]
    public void Journal_of_one_directory_has_one_holder()
    {
        using var journal = RevisionJournal.Open(_directory, out _);
        Assert.Throws<IOException>(() => RevisionJournal.Open(_directory, out _));
    }

    [Fact]
    public void Compacted_journal_says_the_same_and_takes_further_commits()
    {
        using (var journal = RevisionJournal.Open(_directory, out _))
        {
            var key = new JournalKey("networking.istio.io", "WorkloadEntry", "shop", "a");
            journal.Append(new JournalEntry(1, _time.GetUtcNow(), [new JournalPut(key, "one", "shop", _time.GetUtcNow())], []));
            journal.Append(new JournalEntry(2, _time.GetUtcNow(), [], [key]));
            journal.Compact(new JournalEntry(2, _time.GetUtcNow(), [], []));
            journal.Append(new JournalEntry(3, _time.GetUtcNow(), [new JournalPut(key, "three", "shop", _time.GetUtcNow())], []));
        }

        using (RevisionJournal.Open(_directory, out var entries))
        {
            Assert.Equal([2L, 3L], entries.Select(entry => entry.Revision));
            Assert.Equal("three", Assert.Single(entries[1].Puts).Text);
        }
    }

    [Fact]
    public void Commit_that_cannot_be_made_durable_is_not_visible()
    {
        var journal = RevisionJournal.Open(_directory, out _);
        using var store = new ResourceStore(_time, journal);
        journal.Dispose();

        Assert.ThrowsAny<Exception>(() => store.Apply([Entry("a")], []));

        Assert.Equal(0, store.Current.Number);
        Assert.Empty(store.Current.Resources);
        Assert.False(store.IsApplied(Entry("a").Key));
    }
}
