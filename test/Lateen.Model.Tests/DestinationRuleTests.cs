using Lateen.Model.Networking;

namespace Lateen.Model.Tests;

public sealed class DestinationRuleTests
{
    private const string Host = "reviews.shop.svc.cluster.local";

    [Fact]
    public void The_clients_namespace_goes_before_the_services_and_that_before_the_root()
    {
        string[] rules = [Rule("root", "istio-system"), Rule("service", "shop"), Rule("client", "caller")];
        Assert.Equal("client", Lookup("caller", rules));
        Assert.Equal("service", Lookup("caller", rules[..2]));
        Assert.Equal("root", Lookup("caller", rules[..1]));
        Assert.Null(Lookup("caller"));
    }

    [Fact]
    public void A_client_in_the_root_namespace_takes_its_private_rule_and_not_the_public_one_before_the_services()
    {
        Assert.Equal("service", Lookup("istio-system", Rule("root", "istio-system"), Rule("service", "shop")));
        Assert.Equal("private", Lookup("istio-system", Rule("private", "istio-system", "exportTo: [\".\"]"), Rule("service", "shop")));
    }

    [Fact]
    public void A_rule_that_is_not_exported_to_the_client_is_passed_over()
    {
        Assert.Equal("root", Lookup("caller", Rule("service", "shop", "exportTo: [\".\"]"), Rule("root", "istio-system")));
        Assert.Equal("service", Lookup("caller", Rule("service", "shop", "exportTo: [caller]"), Rule("root", "istio-system")));
    }

    [Fact]
    public void The_exact_host_goes_before_the_longest_wildcard_of_the_same_namespace()
    {
        var wide = Given.Document("DestinationRule", "wide", "host: \"*.local\"", "caller");
        var narrow = Given.Document("DestinationRule", "narrow", "host: \"*.shop.svc.cluster.local\"", "caller");
        Assert.Equal("narrow", Lookup("caller", wide, narrow));
        Assert.Equal("exact", Lookup("caller", wide, narrow, Rule("exact", "caller")));
    }

    [Fact]
    public void A_rule_whose_selector_matches_the_client_goes_before_one_without()
    {
        var chosen = Rule("chosen", "caller", "workloadSelector: {matchLabels: {app: a}}");
        var forAll = Rule("for-all", "caller");
        Assert.Equal("chosen", Lookup("caller", Given.Labels("app=a"), chosen, forAll));
        Assert.Equal("for-all", Lookup("caller", Given.Labels("app=b"), chosen, forAll));
    }

    [Fact]
    public void Rules_of_one_host_namespace_and_visibility_merge_oldest_first()
    {
        var snapshot = Given.Snapshot(
            Rule("younger", "shop", "trafficPolicy: {loadBalancer: {simple: RANDOM}}\nsubsets: [{name: v1, labels: {version: other}}, {name: v2}]", age: 1),
            Rule("older", "shop", "subsets: [{name: v1, labels: {version: v1}}]", age: 2));
        var rule = snapshot.DestinationRules.For(Host, "shop", "shop", StringMap<string>.Empty)!;
        Assert.Equal(["older", "younger"], rule.Sources.Select(source => source.Name));
        Assert.Equal(["v1", "v2"], rule.Subsets.Select(subset => subset.Name));
        Assert.Equal("v1", rule.Subset("v1")!.Labels.GetValueOrDefault("version"));
        Assert.Equal(SimpleLoadBalancer.Random, rule.TrafficPolicy!.LoadBalancer!.Simple);
    }

    [Fact]
    public void Rules_with_different_visibility_do_not_merge()
    {
        var snapshot = Given.Snapshot(
            Rule("older", "shop", "subsets: [{name: v1}]\nexportTo: [\"*\"]", age: 2), Rule("younger", "shop", "subsets: [{name: v2}]\nexportTo: [\".\"]", age: 1));
        Assert.Equal(["v1"], snapshot.DestinationRules.For(Host, "shop", "shop", StringMap<string>.Empty)!.Subsets.Select(subset => subset.Name));
    }

    [Fact]
    public void A_subset_overrides_its_parent_block_by_block()
    {
        var rule = Effective("""
            trafficPolicy:
              loadBalancer: {simple: RANDOM}
              connectionPool: {tcp: {maxConnections: 1}}
            subsets:
            - name: v1
              trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}
            """);
        var policy = rule.PolicyFor(rule.Subset("v1"), 80)!;
        Assert.Equal(SimpleLoadBalancer.RoundRobin, policy.LoadBalancer!.Simple);
        Assert.Equal(1, policy.ConnectionPool!.Tcp!.MaxConnections);
    }

    [Fact]
    public void A_ports_settings_replace_the_policy_wholesale_for_that_port_only()
    {
        var rule = Effective("""
            trafficPolicy:
              loadBalancer: {simple: RANDOM}
              connectionPool: {tcp: {maxConnections: 1}}
              portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: ROUND_ROBIN}}]
            """);
        var onPort = rule.PolicyFor(null, 80)!;
        Assert.Equal(SimpleLoadBalancer.RoundRobin, onPort.LoadBalancer!.Simple);
        Assert.Null(onPort.ConnectionPool);
        Assert.Empty(onPort.PortLevelSettings);
        var elsewhere = rule.PolicyFor(null, 81)!;
        Assert.Equal(SimpleLoadBalancer.Random, elsewhere.LoadBalancer!.Simple);
        Assert.Equal(1, elsewhere.ConnectionPool!.Tcp!.MaxConnections);
    }

    [Fact]
    public void A_subset_inherits_the_parents_port_settings_and_its_own_port_settings_win()
    {
        var rule = Effective("""
            trafficPolicy:
              portLevelSettings: [{port: {number: 80}, connectionPool: {tcp: {maxConnections: 1}}}]
            subsets:
            - name: inherits
              trafficPolicy: {loadBalancer: {simple: RANDOM}}
            - name: owns
              trafficPolicy:
                loadBalancer: {simple: RANDOM}
                portLevelSettings: [{port: {number: 80}, connectionPool: {tcp: {maxConnections: 2}}}]
            """);
        var inherits = rule.PolicyFor(rule.Subset("inherits"), 80)!;
        Assert.Equal(1, inherits.ConnectionPool!.Tcp!.MaxConnections);
        Assert.Equal(SimpleLoadBalancer.Random, inherits.LoadBalancer!.Simple);
        var owns = rule.PolicyFor(rule.Subset("owns"), 80)!;
        Assert.Equal(2, owns.ConnectionPool!.Tcp!.MaxConnections);
        Assert.Null(owns.LoadBalancer);
    }

    private static EffectiveDestinationRule Effective(string spec) =>
        Given.Snapshot(Rule("rule", "shop", spec)).DestinationRules.For(Host, "shop", "shop", StringMap<string>.Empty)!;

    private static string Rule(string name, string ns, string more = "", int age = 0) =>
        Given.Document("DestinationRule", name, $"host: {Host}\n{more}", ns, age);

    private static string? Lookup(string client, params string[] rules) => Lookup(client, StringMap<string>.Empty, rules);

    private static string? Lookup(string client, StringMap<string> labels, params string[] rules) =>
        Given.Snapshot(rules).DestinationRules.For(Host, "shop", client, labels)?.Sources[0].Name;
}
