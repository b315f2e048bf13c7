using Lateen.Discovery.Files;
using Lateen.Model;

namespace Lateen.Discovery.Tests;

public sealed class ResourceWriterTests : IDisposable
{
    private readonly ConfigDirectory _directory = new();

    private ResourceWriter Writer => new(_directory.Path);

    [Fact]
    public void A_new_resource_gets_a_file_of_its_own()
    {
        var result = Writer.Store(Doc.Key("a"), Doc.Service("a"), null);
        Assert.Equal(new WriteResult("service-default-a.yaml", null), result);
        Assert.Equal(Doc.Service("a"), _directory.Read("service-default-a.yaml"));
        Assert.Equal(["service-default-a.yaml"], _directory.Files());
    }

    [Fact]
    public void A_resource_is_replaced_in_the_file_that_holds_it()
    {
        _directory.Write("team/mine.yaml", "# mine\n" + Doc.Service("a", 80));
        Assert.Equal("team/mine.yaml", Writer.Store(Doc.Key("a"), Doc.Service("a", 81), "team/mine.yaml").Path);
        Assert.Equal(Doc.Service("a", 81), _directory.Read("team/mine.yaml"));
        Assert.Equal(["team/mine.yaml"], _directory.Files());
    }

    [Fact]
    public void In_a_file_of_several_the_others_stay_as_they_are_to_the_letter()
    {
        var first = "# about the first\n" + Doc.Service("first") + "# after the first\n";
        var last = "--- # about the last\n" + Doc.Service("last") + "\n\n# the end";
        _directory.Write("all.yaml", first + "---\n" + Doc.Service("middle", 80) + last);
        Assert.True(Writer.Store(Doc.Key("middle"), Doc.Service("middle", 81), "all.yaml").IsSuccess);
        Assert.Equal(first + "---\n" + Doc.Service("middle", 81) + last, _directory.Read("all.yaml"));
        Assert.True(Writer.Delete(Doc.Key("middle"), "all.yaml").IsSuccess);
        Assert.Equal(first + last, _directory.Read("all.yaml"));
    }

    [Fact]
    public void The_file_goes_with_its_last_document()
    {
        _directory.Write("a.yaml", "# mine\n" + Doc.Service("a"));
        Assert.True(Writer.Delete(Doc.Key("a"), "a.yaml").IsSuccess);
        Assert.Empty(_directory.Files());
    }

    [Fact]
    public void A_file_with_the_name_of_a_new_resource_is_added_to_and_not_overwritten()
    {
        _directory.Write("service-default-a.yaml", Doc.Service("other"));
        Assert.True(Writer.Store(Doc.Key("a"), Doc.Service("a"), null).IsSuccess);
        Assert.Equal(Doc.Service("other") + "---\n" + Doc.Service("a"), _directory.Read("service-default-a.yaml"));
    }

    [Fact]
    public void An_item_of_a_list_is_left_to_a_person()
    {
        const string List = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}\n- {apiVersion: v1, kind: Service, metadata: {name: b}, spec: {ports: [{port: 80}]}}\n";
        _directory.Write("list.yaml", List);
        var result = Writer.Store(Doc.Key("a"), Doc.Service("a", 81), "list.yaml");
        Assert.Contains("edit it by hand", result.Failure, StringComparison.Ordinal);
        Assert.Equal(List, _directory.Read("list.yaml"));
    }

    [Theory]
    [InlineData("../outside.yaml")]
    [InlineData("/etc/outside.yaml")]
    public void Nothing_outside_the_directory_is_written(string path) =>
        Assert.Contains("is not inside", Writer.Store(Doc.Key("a"), Doc.Service("a"), path).Failure, StringComparison.Ordinal);

    [Fact]
    public void What_is_not_there_cannot_be_deleted()
    {
        _directory.Write("a.yaml", Doc.Service("a"));
        Assert.False(Writer.Delete(Doc.Key("b"), "a.yaml").IsSuccess);
        Assert.False(Writer.Delete(Doc.Key("a"), "nowhere.yaml").IsSuccess);
    }

    [Fact]
    public void A_linked_file_is_written_where_the_link_leads()
    {
        _directory.Write("real/a.yaml", Doc.Service("a", 80));
        File.CreateSymbolicLink(Path.Combine(_directory.Path, "a.yaml"), "real/a.yaml");
        Assert.True(Writer.Store(Doc.Key("a"), Doc.Service("a", 81), "a.yaml").IsSuccess);
        Assert.Equal(Doc.Service("a", 81), _directory.Read("real/a.yaml"));
        Assert.NotNull(new FileInfo(Path.Combine(_directory.Path, "a.yaml")).LinkTarget);
    }

    [Fact]
    public void What_was_written_is_what_the_source_reads()
    {
        Assert.True(Writer.Store(Doc.Key("a"), Doc.Service("a"), null).IsSuccess);
        var read = ResourceReader.Read(_directory.Read("service-default-a.yaml"), "x");
        Assert.Equal(Doc.Service("a"), Assert.Single(read.Resources).Text);
    }

    public void Dispose() => _directory.Dispose();
}
