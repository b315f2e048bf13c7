using Lateen.Discovery.Files;
using Lateen.Model;

namespace Lateen.Discovery.Tests;

public sealed class DirectoryConfigSourceTests : IAsyncDisposable
{
    private readonly ConfigDirectory _directory = new();
    private readonly List<DirectoryConfigSource> _sources = [];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Everything_below_the_directory_is_read_before_the_start_returns()
    {
        _directory.Write("a.yaml", Doc.Service("a") + "---\n" + Doc.Service("b"));
        _directory.Write("deep/er/c.yml", Doc.Service("c"));
        _directory.Write("d.json", """{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "d"}, "spec": {"ports": [{"port": 80}]}}""");
        var source = await StartAsync();
        Assert.Equal("a,b,c,d", Doc.Names(source.Current));
        Assert.Empty(source.Current.Diagnostics);
        Assert.Equal("deep/er/c.yml", source.Current.Resources[2].Metadata.Location!.Value.File);
    }

    [Theory]
    [InlineData(".hidden.yaml")]
    [InlineData(".lateen/journal.yaml")]
    [InlineData("..2026_01_01/a.yaml")]
    [InlineData("a.yaml.tmp")]
    [InlineData("a.txt")]
    [InlineData("a.yaml~")]
    public async Task Hidden_temporary_and_foreign_files_are_not_read(string path)
    {
        _directory.Write(path, "this is : not [ yaml");
        var source = await StartAsync();
        Assert.Empty(source.Current.Diagnostics);
        Assert.Empty(source.Current.Resources);
    }

    [Fact]
    public async Task A_missing_directory_is_a_failure_and_not_an_empty_mesh()
    {
        await using var source = new DirectoryConfigSource(Path.Combine(_directory.Path, "nowhere"), TimeProvider.System);
        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => source.StartAsync(Cancelled));
    }

    [Fact]
    public async Task New_changed_and_deleted_files_are_noticed()
    {
        _directory.Write("a.yaml", Doc.Service("a"));
        var source = await StartAsync();
        await ChangeAsync(source, () => _directory.Write("b.yaml", Doc.Service("b")), set => Doc.Names(set) == "a,b");
        await ChangeAsync(source, () => _directory.Write("a.yaml", Doc.Service("a2")), set => Doc.Names(set) == "a2,b");
        await ChangeAsync(source, () => _directory.Delete("b.yaml"), set => Doc.Names(set) == "a2");
    }

    [Fact]
    public async Task An_edit_by_renaming_a_copy_over_the_file_is_noticed()
    {
        _directory.Write("a.yaml", Doc.Service("a"));
        var source = await StartAsync();
        await ChangeAsync(source, () => _directory.Replace("a.yaml", Doc.Service("renamed")), set => Doc.Names(set) == "renamed");
    }

    [Fact]
    public async Task A_directory_that_comes_and_goes_brings_and_takes_its_resources()
    {
        var source = await StartAsync();
        await ChangeAsync(source, () => _directory.Write("team/shop/a.yaml", Doc.Service("a")), set => Doc.Names(set) == "a");
        await ChangeAsync(source, () => Directory.Delete(Path.Combine(_directory.Path, "team"), recursive: true), set => Doc.Names(set).Length == 0);
    }

    [Fact]
    public async Task A_mounted_config_map_is_followed_when_its_data_link_moves()
    {
        _directory.Write("..one/a.yaml", Doc.Service("first"));
        File.CreateSymbolicLink(Path.Combine(_directory.Path, "..data"), "..one");
        File.CreateSymbolicLink(Path.Combine(_directory.Path, "a.yaml"), "..data/a.yaml");
        var source = await StartAsync();
        Assert.Equal("first", Doc.Names(source.Current));
        await ChangeAsync(source, () =>
        {
            _directory.Write("..two/a.yaml", Doc.Service("second"));
            Directory.Delete(Path.Combine(_directory.Path, "..data"));
            File.CreateSymbolicLink(Path.Combine(_directory.Path, "..data"), "..two");
        }, set => Doc.Names(set) == "second");
    }

    [Fact]
    public async Task A_link_that_leads_in_a_circle_is_read_once()
    {
        _directory.Write("team/a.yaml", Doc.Service("a"));
        Directory.CreateSymbolicLink(Path.Combine(_directory.Path, "team", "self"), _directory.Path);
        var source = await StartAsync();
        Assert.Equal("a", Doc.Names(source.Current));
    }

    [Fact]
    public async Task A_broken_file_keeps_its_last_good_resources_and_says_where_it_is_broken()
    {
        _directory.Write("a.yaml", Doc.Service("a") + "---\n" + Doc.Service("b"));
        var source = await StartAsync();
        var good = source.Current.Resources;
        var set = await ChangeAsync(source, () => _directory.Write("a.yaml", "kind: [Service\n"), changed => !changed.Diagnostics.IsEmpty);
        Assert.Equal(good, set.Resources);
        var found = Assert.Single(set.Diagnostics);
        Assert.Equal("LAT0101", found.Code);
        Assert.Equal("a.yaml", found.Location!.Value.File);
        Assert.True(found.Location.Value.Line > 0);
        set = await ChangeAsync(source, () => _directory.Write("a.yaml", Doc.Service("a")), changed => changed.Diagnostics.IsEmpty);
        Assert.Equal("a", Doc.Names(set));
    }

    [Fact]
    public async Task A_refused_resource_keeps_its_last_good_version_and_its_neighbours_move_on()
    {
        _directory.Write("a.yaml", Doc.Service("a", 80) + "---\n" + Doc.Service("b", 80));
        var source = await StartAsync();
        var before = source.Current.Resources[0];
        var set = await ChangeAsync(
            source, () => _directory.Write("a.yaml", Doc.Service("a", 70000) + "---\n" + Doc.Service("b", 81)), changed => !changed.Diagnostics.IsEmpty);
        Assert.Same(before, set.Resources[0]);
        Assert.Equal(81, ((Resource<Model.Kubernetes.Service>)set.Resources[1]).Spec.Ports[0].Port);
        Assert.Equal("spec.ports[0].port", Assert.Single(set.Diagnostics).FieldPath);
    }

    [Fact]
    public async Task A_resource_that_was_never_good_is_refused_alone()
    {
        _directory.Write("a.yaml", Doc.Service("a", 0) + "---\n" + Doc.Service("b"));
        var source = await StartAsync();
        Assert.Equal("b", Doc.Names(source.Current));
        Assert.Single(source.Current.Diagnostics);
    }

    [Fact]
    public async Task A_document_that_is_taken_out_of_a_good_file_is_gone()
    {
        _directory.Write("a.yaml", Doc.Service("a") + "---\n" + Doc.Service("b"));
        var source = await StartAsync();
        await ChangeAsync(source, () => _directory.Write("a.yaml", Doc.Service("a")), set => Doc.Names(set) == "a");
    }

    [Fact]
    public async Task An_unchanged_document_stays_the_same_object_when_its_file_is_written_again()
    {
        _directory.Write("a.yaml", Doc.Service("a") + "---\n" + Doc.Service("b", 80));
        var source = await StartAsync();
        var before = source.Current.Resources[0];
        var set = await ChangeAsync(
            source, () => _directory.Write("a.yaml", Doc.Service("a") + "---\n" + Doc.Service("b", 81)),
            changed => ((Resource<Model.Kubernetes.Service>)changed.Resources[1]).Spec.Ports[0].Port == 81);
        Assert.Same(before, set.Resources[0]);
    }

    [Fact]
    public async Task One_key_in_two_files_is_an_error_that_names_both_and_the_served_one_stays()
    {
        _directory.Write("b.yaml", Doc.Service("same", 80));
        var source = await StartAsync();
        var served = source.Current.Resources[0];
        var set = await ChangeAsync(source, () => _directory.Write("a.yaml", Doc.Service("same", 81)), changed => !changed.Diagnostics.IsEmpty);
        Assert.Same(served, Assert.Single(set.Resources));
        var found = Assert.Single(set.Diagnostics);
        Assert.Equal("LAT0108", found.Code);
        Assert.Equal("a.yaml", found.Location!.Value.File);
        Assert.Contains("b.yaml:1:1", found.Message, StringComparison.Ordinal);
        set = await ChangeAsync(source, () => _directory.Delete("b.yaml"), changed => changed.Diagnostics.IsEmpty);
        Assert.Equal("a.yaml", Assert.Single(set.Resources).Metadata.Location!.Value.File);
    }

    [Fact]
    public async Task A_file_over_the_size_limit_is_refused_and_keeps_its_last_good_resources()
    {
        _directory.Write("a.yaml", Doc.Service("a"));
        var source = await StartAsync(new DirectoryConfigOptions { MaxFileBytes = 500 });
        var set = await ChangeAsync(
            source, () => _directory.Write("a.yaml", Doc.Service("b") + "#" + new string('x', 500)), changed => !changed.Diagnostics.IsEmpty);
        Assert.Equal("LAT0109", Assert.Single(set.Diagnostics).Code);
        Assert.Equal("a", Doc.Names(set));
    }

    [Fact]
    public async Task Files_over_the_count_limit_are_not_read_and_a_diagnostic_says_from_where()
    {
        foreach (var name in (string[])["a", "b", "c"]) _directory.Write(name + ".yaml", Doc.Service(name));
        var source = await StartAsync(new DirectoryConfigOptions { MaxFiles = 2 });
        Assert.Equal("a,b", Doc.Names(source.Current));
        var found = Assert.Single(source.Current.Diagnostics);
        Assert.Equal(("LAT0110", "c.yaml"), (found.Code, found.Location!.Value.File));
    }

    [Fact]
    public async Task A_file_that_is_not_utf8_is_refused_with_a_hint()
    {
        File.WriteAllBytes(Path.Combine(_directory.Path, "a.yaml"), [0x6b, 0x3a, 0x20, 0xff, 0xfe]);
        var source = await StartAsync();
        var found = Assert.Single(source.Current.Diagnostics);
        Assert.Equal(("LAT0111", "save it as UTF-8"), (found.Code, found.Hint));
    }

    [Fact]
    public async Task A_rescan_publishes_before_it_returns()
    {
        var source = await StartAsync();
        _directory.Write("a.yaml", Doc.Service("a"));
        Assert.Equal("a", Doc.Names(await source.RescanAsync(Cancelled)));
    }

    [Fact]
    public async Task A_handler_that_throws_ends_the_source_and_its_exception_is_not_lost()
    {
        var source = await StartAsync();
        source.Changed += _ => throw new InvalidOperationException("a bug in the subscriber");
        _directory.Write("a.yaml", Doc.Service("a"));
        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => source.Completion.WaitAsync(Cancelled));
        Assert.Equal("a bug in the subscriber", fault.Message);
    }

    [Fact]
    public async Task Disposal_ends_the_source()
    {
        var source = await StartAsync();
        await source.DisposeAsync();
        await source.Completion.WaitAsync(Cancelled);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var source in _sources) await source.DisposeAsync();
        _directory.Dispose();
    }

    private async Task<DirectoryConfigSource> StartAsync(DirectoryConfigOptions? options = null)
    {
        var source = new DirectoryConfigSource(_directory.Path, TimeProvider.System, options);
        _sources.Add(source);
        await source.StartAsync(Cancelled);
        return source;
    }

    /// <summary>Makes a change and waits for the set that shows it. The wait is armed before the change.</summary>
    private static async Task<ConfigSet> ChangeAsync(DirectoryConfigSource source, Action change, Func<ConfigSet, bool> isShown)
    {
        var shown = new TaskCompletionSource<ConfigSet>(TaskCreationOptions.RunContinuationsAsynchronously);
        void OnChanged(ConfigSet set)
        {
            if (isShown(set)) shown.TrySetResult(set);
        }

        source.Changed += OnChanged;
        try
        {
            change();
            return await shown.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancelled);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"the change was not shown; the last set has {Doc.Names(source.Current)} and {string.Join("; ", source.Current.Diagnostics)}");
            throw;
        }
        finally
        {
            source.Changed -= OnChanged;
        }
    }
}
