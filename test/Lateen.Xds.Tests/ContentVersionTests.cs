using static Lateen.Xds.Tests.XdsSamples;

namespace Lateen.Xds.Tests;

public sealed class ContentVersionTests
{
    [Fact]
    public void Equal_content_has_an_equal_version_and_other_content_another()
    {
        Assert.Equal(Cluster("a", 1).Version, Cluster("a", 1).Version);
        Assert.NotEqual(Cluster("a", 1).Version, Cluster("a", 2).Version);
    }

    [Fact]
    public void The_version_of_a_set_does_not_depend_on_order_but_on_names_and_versions()
    {
        Assert.Equal(ContentVersion.OfSet([Cluster("a"), Cluster("b")]), ContentVersion.OfSet([Cluster("b"), Cluster("a")]));
        Assert.NotEqual(ContentVersion.OfSet([Cluster("a")]), ContentVersion.OfSet([Cluster("a", 1)]));
        Assert.NotEqual(
            ContentVersion.OfSet([new XdsResource("a=1\n1:b", "2", Cluster("a").Body)]),
            ContentVersion.OfSet([new XdsResource("a", "1", Cluster("a").Body), new XdsResource("b", "2", Cluster("a").Body)]));
    }
}
