using CsCheck;

namespace Lateen.Model.Tests;

public sealed class HostNameTests
{
    private static readonly Gen<string> Label = Gen.OneOf("a", "b", "foo", "bar", "a-b");
    private static readonly Gen<string> Name = Label.Array[1, 4].Select(labels => string.Join('.', labels));
    private static readonly Gen<string> Pattern = Gen.OneOf(Name, Name.Select(name => "*." + name), Gen.Const("*"));

    [Theory]
    [InlineData("reviews", "reviews.shop.svc.cluster.local")]
    [InlineData("reviews.other", "reviews.other")]
    [InlineData("*", "*")]
    [InlineData("*.com", "*.com")]
    [InlineData("10.0.0.1", "10.0.0.1")]
    [InlineData("::1", "::1")]
    public void A_name_without_a_dot_becomes_whole_in_the_namespace_of_the_rule(string written, string whole) =>
        Assert.Equal(whole, HostName.Resolve(written, "shop", "cluster.local"));

    [Theory]
    [InlineData("*", "anything", true)]
    [InlineData("*", "*.foo.com", true)]
    [InlineData("*.foo.com", "a.foo.com", true)]
    [InlineData("*.foo.com", "a.b.foo.com", true)]
    [InlineData("*.foo.com", "foo.com", false)]
    [InlineData("*.foo.com", "*.a.foo.com", true)]
    [InlineData("*.a.foo.com", "*.foo.com", false)]
    [InlineData("*foo.com", "afoo.com", true)]
    [InlineData("a.foo.com", "a.foo.com", true)]
    [InlineData("a.foo.com", "*.foo.com", false)]
    public void A_pattern_contains_what_ends_in_its_suffix(string pattern, string host, bool contains) =>
        Assert.Equal(contains, HostName.Contains(pattern, host));

    [Fact]
    public void The_exact_name_goes_before_the_longest_wildcard()
    {
        Assert.Equal("a.b.com", HostName.MostSpecific("a.b.com", ["*", "*.com", "a.b.com", "*.b.com"]));
        Assert.Equal("*.b.com", HostName.MostSpecific("x.b.com", ["*", "*.com", "a.b.com", "*.b.com"]));
        Assert.Null(HostName.MostSpecific("x.org", ["*.com", "a.b.com"]));
    }

    [Fact]
    public void Containment_is_reflexive_and_transitive() =>
        Gen.Select(Pattern, Pattern, Pattern).Sample((first, second, third) =>
        {
            Assert.True(HostName.Contains(first, first));
            if (HostName.Contains(first, second) && HostName.Contains(second, third)) Assert.True(HostName.Contains(first, third));
        });

    [Fact]
    public void The_most_specific_match_contains_the_host_and_no_other_match_is_within_it() =>
        Gen.Select(Pattern.Array[1, 8], Name).Sample((patterns, name) =>
        {
            var best = HostName.MostSpecific(name, patterns);
            Assert.Equal(patterns.Any(pattern => HostName.Contains(pattern, name)), best is not null);
            if (best is null) return;
            Assert.True(HostName.Contains(best, name));
            Assert.DoesNotContain(patterns, pattern => pattern != best && HostName.Contains(pattern, name) && HostName.Contains(best, pattern));
        });

    [Fact]
    public void Specificity_is_a_total_order() =>
        Gen.Select(Pattern, Pattern, Pattern).Sample((first, second, third) =>
        {
            Assert.Equal(Math.Sign(HostName.CompareSpecificity(first, second)), -Math.Sign(HostName.CompareSpecificity(second, first)));
            if (HostName.CompareSpecificity(first, second) <= 0 && HostName.CompareSpecificity(second, third) <= 0)
                Assert.True(HostName.CompareSpecificity(first, third) <= 0);
            Assert.Equal(first == second, HostName.CompareSpecificity(first, second) == 0);
        });
}
