using Lateen.Http;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Tests.Routing;

/// <summary>Retry policies as routes and virtual hosts state them.</summary>
public sealed class RetryPolicyTests
{
    [Fact]
    public void Istios_default_policy_is_understood()
    {
        var policy = PolicyOf("""
            retry_on: connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes
            num_retries: 2
            retry_host_predicate:
            - name: envoy.retry_host_predicates.previous_hosts
              typed_config: {"@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate}
            host_selection_retry_max_attempts: 5
            retriable_status_codes: [503, 502]
            """)!;
        Assert.Equal(
            RetryConditions.ConnectFailure | RetryConditions.RefusedStream | RetryConditions.GrpcUnavailable | RetryConditions.GrpcCancelled | RetryConditions.RetriableStatusCodes,
            policy.Conditions);
        Assert.Equal(2u, policy.Retries);
        Assert.True(policy.AvoidPreviousHosts);
        Assert.Equal(5, policy.HostSelectionAttempts);
        Assert.Equal([502, 503], policy.RetriableStatusCodes);
        Assert.Equal(TimeSpan.FromMilliseconds(25), policy.BackOffBase);
        Assert.Equal(TimeSpan.FromMilliseconds(250), policy.BackOffMax);
    }

    [Theory]
    [InlineData("retry_on: ''")]
    [InlineData("retry_on: 5xx\nnum_retries: 0")]
    public void Policy_that_retries_nothing_is_none(string policy) => Assert.Null(PolicyOf(policy));

    [Fact]
    public void Route_without_a_policy_has_that_of_its_virtual_host()
    {
        var routes = Routes.Compile("""
            name: test
            virtual_hosts:
            - name: all
              domains: ["*"]
              retry_policy: {retry_on: 5xx}
              routes:
              - {match: {prefix: /own}, route: {cluster: c, retry_policy: {retry_on: reset}}}
              - {match: {prefix: /}, route: {cluster: c}}
            """);
        Assert.Equal(RetryConditions.Reset, routes.Forward(Call.Get("h", "/own")).RetryPolicy!.Conditions);
        Assert.Equal(RetryConditions.On5xx, routes.Forward(Call.Get("h", "/")).RetryPolicy!.Conditions);
    }

    [Fact]
    public void Retriable_headers_are_looked_for_in_the_response()
    {
        var policy = PolicyOf("retry_on: retriable-headers\nretriable_headers: [{name: x-retry, exact_match: 'yes'}]")!;
        var response = new HttpResponseHead();
        Assert.False(policy.HasRetriableHeader(response.Headers));
        response.Headers.Add("X-Retry"u8, "yes"u8);
        Assert.True(policy.HasRetriableHeader(response.Headers));
    }

    [Fact]
    public void Unknown_condition_and_unknown_predicate_are_refused_by_name() =>
        Assert.Equal(
            [
                "virtual_hosts[0].routes[0].route.retry_policy.retry_on: 'sometimes' is not a retry condition",
                "virtual_hosts[0].routes[0].route.retry_policy.retry_host_predicate[0]: the predicate 'omit_canary' is not supported",
            ],
            Routes.ErrorsOfRoutes("- match: {prefix: /}\n  route: {cluster: c, retry_policy: {retry_on: 'sometimes', retry_host_predicate: [{name: omit_canary}]}}"));

    private static RetryPolicySnapshot? PolicyOf(string policy) =>
        Routes.OfRoutes($"- match: {{prefix: /}}\n  route:\n    cluster: c\n    retry_policy:\n{Routes.Indent(policy, 6)}").Forward(Call.Get("h", "/")).RetryPolicy;
}
