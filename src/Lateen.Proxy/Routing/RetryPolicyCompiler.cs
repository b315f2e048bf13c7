using Lateen.Proxy.Configuration;
using Proto = Envoy.Config.Route.V3;

namespace Lateen.Proxy.Routing;

/// <summary>Compiles a <c>RetryPolicy</c>.</summary>
internal static class RetryPolicyCompiler
{
    private const string PreviousHosts = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate";

    private static readonly TimeSpan DefaultBase = TimeSpan.FromMilliseconds(25);

    /// <returns>Null when the policy retries nothing.</returns>
    public static RetryPolicySnapshot? Compile(Proto.RetryPolicy policy, FieldPath path, ConfigurationErrors errors)
    {
        var codes = new SortedSet<int>();
        for (var i = 0; i < policy.RetriableStatusCodes.Count; i++)
        {
            var code = policy.RetriableStatusCodes[i];
            if (code is >= 100 and <= 599) codes.Add((int)code);
            else errors.Add(path.Field("retriable_status_codes").At(i), $"{code} is not a status code");
        }

        var conditions = ParseConditions(policy.RetryOn, path.Field("retry_on"), codes, errors);
        var backOff = path.Field("retry_back_off");
        var backOffBase = ProtoValues.Positive(policy.RetryBackOff?.BaseInterval, DefaultBase, backOff.Field("base_interval"), errors);
        var backOffMax = ProtoValues.Positive(policy.RetryBackOff?.MaxInterval, backOffBase * 10, backOff.Field("max_interval"), errors);
        if (backOffMax < backOffBase) errors.Add(backOff.Field("max_interval"), "must not be below base_interval");
        if (policy.HostSelectionRetryMaxAttempts is < 0 or > 1000) errors.Add(path.Field("host_selection_retry_max_attempts"), "must be from 0 to 1000");

        var matches = new MatchCompiler(errors);
        var avoidsPrevious = HasPreviousHosts(policy, path.Field("retry_host_predicate"), errors);
        var compiled = new RetryPolicySnapshot
        {
            Conditions = conditions,
            Retries = policy.NumRetries ?? 1,
            PerTryTimeout = ProtoValues.Timeout(policy.PerTryTimeout, null, path.Field("per_try_timeout"), errors),
            RetriableStatusCodes = [.. codes],
            BackOffBase = backOffBase,
            BackOffMax = backOffMax,
            AvoidPreviousHosts = avoidsPrevious,
            HostSelectionAttempts = policy.HostSelectionRetryMaxAttempts == 0 ? 1 : (int)Math.Clamp(policy.HostSelectionRetryMaxAttempts, 1, 1000),
            RetriableHeaders = matches.CompileHeaders(policy.RetriableHeaders, path.Field("retriable_headers")),
            RetriableRequestHeaders = matches.CompileHeaders(policy.RetriableRequestHeaders, path.Field("retriable_request_headers")),
        };
        return compiled.Conditions == RetryConditions.None || compiled.Retries == 0 ? null : compiled;
    }

    /// <summary>Reads a list of conditions; null for a word that is none. A number is a status code to retry, as Istio writes it.</summary>
    public static RetryConditions? TryParseCondition(ReadOnlySpan<char> word) => word switch
    {
        "5xx" => RetryConditions.On5xx,
        "gateway-error" => RetryConditions.GatewayError,
        "reset" => RetryConditions.Reset,
        "reset-before-request" => RetryConditions.ResetBeforeRequest,
        "connect-failure" => RetryConditions.ConnectFailure,
        "retriable-4xx" => RetryConditions.Retriable4xx,
        "refused-stream" => RetryConditions.RefusedStream,
        "retriable-status-codes" => RetryConditions.RetriableStatusCodes,
        "retriable-headers" => RetryConditions.RetriableHeaders,
        "envoy-ratelimited" => RetryConditions.EnvoyRateLimited,
        "http3-post-connect-failure" => RetryConditions.Http3PostConnectFailure,
        "cancelled" => RetryConditions.GrpcCancelled,
        "deadline-exceeded" => RetryConditions.GrpcDeadlineExceeded,
        "internal" => RetryConditions.GrpcInternal,
        "resource-exhausted" => RetryConditions.GrpcResourceExhausted,
        "unavailable" => RetryConditions.GrpcUnavailable,
        _ => null,
    };

    private static RetryConditions ParseConditions(string text, FieldPath path, SortedSet<int> codes, ConfigurationErrors errors)
    {
        var conditions = RetryConditions.None;
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (TryParseCondition(part) is { } condition)
            {
                conditions |= condition;
            }
            else if (int.TryParse(part, out var code) && code is >= 100 and <= 599)
            {
                codes.Add(code);
                conditions |= RetryConditions.RetriableStatusCodes;
            }
            else
            {
                errors.Add(path, $"'{part}' is not a retry condition");
            }
        }

        return conditions;
    }

    private static bool HasPreviousHosts(Proto.RetryPolicy policy, FieldPath path, ConfigurationErrors errors)
    {
        var has = false;
        for (var i = 0; i < policy.RetryHostPredicate.Count; i++)
        {
            var predicate = policy.RetryHostPredicate[i];
            if (predicate.TypedConfig?.TypeUrl is null or PreviousHosts && predicate.Name == "envoy.retry_host_predicates.previous_hosts") has = true;
            else if (predicate.TypedConfig?.TypeUrl == PreviousHosts) has = true;
            else errors.Add(path.At(i), $"the predicate '{predicate.Name}' is not supported");
        }

        return has;
    }
}
