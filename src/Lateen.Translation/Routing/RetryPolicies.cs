using System.Globalization;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Retry.Host.PreviousHosts.V3;
using Lateen.Model.Networking;

namespace Lateen.Translation.Routing;

/// <summary>Retries in Envoy's terms, with Istio's defaults.</summary>
internal static class RetryPolicies
{
    /// <summary>Istio's conditions when a rule names none. The status codes are named but none are listed, so a 503 of the application is not tried again.</summary>
    private const string DefaultConditions = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

    private const int DefaultAttempts = 2;

    /// <summary>How often the balancer is asked again when it offers an endpoint that this request has already tried.</summary>
    private const int HostSelectionAttempts = 5;

    /// <summary>The policy of a route, or null when retries are off.</summary>
    public static RetryPolicy? Of(HttpRetry? written, HttpRetry? meshDefault)
    {
        var retry = written ?? meshDefault;
        if (retry is null) return WithPreviousHosts(new RetryPolicy { RetryOn = DefaultConditions, NumRetries = DefaultAttempts });
        if (retry.Attempts <= 0) return null;
        var policy = new RetryPolicy { NumRetries = (uint)retry.Attempts };
        WriteConditions(policy, retry.RetryOn);
        if (retry.PerTryTimeout is { } perTry) policy.PerTryTimeout = Messages.Of(perTry);
        if (retry.Backoff is { } backoff) policy.RetryBackOff = new RetryPolicy.Types.RetryBackOff { BaseInterval = Messages.Of(backoff) };
        return retry.RetryIgnorePreviousHosts == false ? policy : WithPreviousHosts(policy);
    }

    /// <summary>Istio lets status codes stand among the conditions; Envoy wants them apart, and the condition that says to look at them.</summary>
    private static void WriteConditions(RetryPolicy policy, string? written)
    {
        var conditions = new List<string>();
        foreach (string part in (written ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (uint.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out uint status)) policy.RetriableStatusCodes.Add(status);
            else conditions.Add(part);
        }

        if (policy.RetriableStatusCodes.Count > 0 && !conditions.Contains("retriable-status-codes")) conditions.Add("retriable-status-codes");
        policy.RetryOn = conditions.Count > 0 ? string.Join(',', conditions) : DefaultConditions;
    }

    private static RetryPolicy WithPreviousHosts(RetryPolicy policy)
    {
        policy.HostSelectionRetryMaxAttempts = HostSelectionAttempts;
        policy.RetryHostPredicate.Add(new RetryPolicy.Types.RetryHostPredicate
        {
            Name = "envoy.retry_host_predicates.previous_hosts",
            TypedConfig = Messages.Pack(new PreviousHostsPredicate()),
        });
        return policy;
    }
}
