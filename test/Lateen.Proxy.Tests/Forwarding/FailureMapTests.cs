using Lateen.Proxy.Forwarding;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Tests.Forwarding;

public sealed class FailureMapTests
{
    public static TheoryData<FailureSide, FailurePhase> SidesAndPhases()
    {
        var data = new TheoryData<FailureSide, FailurePhase>();
        foreach (var side in Enum.GetValues<FailureSide>())
        {
            foreach (var phase in Enum.GetValues<FailurePhase>()) data.Add(side, phase);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(SidesAndPhases))]
    public void Every_cause_has_an_outcome_that_can_be_told(FailureSide side, FailurePhase phase)
    {
        foreach (var cause in Enum.GetValues<FailureCause>())
        {
            var outcome = FailureMap.Of(new Failure(side, phase, cause));
            Assert.True(outcome.Status is 0 or (>= 400 and <= 599), $"{side}/{phase}/{cause}: status {outcome.Status}");
            Assert.NotEmpty(outcome.Details);
            Assert.Matches("^[a-z_]+$", outcome.Label);
            Assert.InRange(outcome.GrpcStatus, 1, 16);
            if (outcome.Status == 0) Assert.Empty(outcome.Body);
            if (outcome.Status is 0) Assert.NotEqual(ResponseFlags.None, outcome.Flag);
        }
    }

    [Fact]
    public void Only_an_upstreams_failure_before_its_response_may_be_retried()
    {
        foreach (var side in Enum.GetValues<FailureSide>())
        {
            foreach (var phase in Enum.GetValues<FailurePhase>())
            {
                foreach (var cause in Enum.GetValues<FailureCause>())
                {
                    if (side == FailureSide.Upstream && phase != FailurePhase.ResponseBody) continue;
                    Assert.Equal(RetryClass.Never, FailureMap.Of(new Failure(side, phase, cause)).Retry);
                }
            }
        }
    }

    [Fact]
    public void Nothing_is_answered_once_the_response_has_begun()
    {
        foreach (var side in Enum.GetValues<FailureSide>())
        {
            foreach (var cause in Enum.GetValues<FailureCause>())
            {
                Assert.Equal(0, FailureMap.Of(new Failure(side, FailurePhase.ResponseBody, cause)).Status);
            }
        }
    }

    [Theory]
    [InlineData(FailurePhase.Connect, FailureCause.ConnectFailed, 503, ResponseFlags.UpstreamConnectionFailure, "upstream_reset_before_response_started{remote_connection_failure}", "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure")]
    [InlineData(FailurePhase.Connect, FailureCause.NoEndpoint, 503, ResponseFlags.NoHealthyUpstream, "no_healthy_upstream", "no healthy upstream")]
    [InlineData(FailurePhase.Connect, FailureCause.Overflow, 503, ResponseFlags.UpstreamOverflow, "upstream_reset_before_response_started{overflow}", "upstream connect error or disconnect/reset before headers. reset reason: overflow")]
    [InlineData(FailurePhase.ResponseHead, FailureCause.PeerClosed, 503, ResponseFlags.UpstreamConnectionTermination, "upstream_reset_before_response_started{connection_termination}", "upstream connect error or disconnect/reset before headers. reset reason: connection termination")]
    [InlineData(FailurePhase.ResponseHead, FailureCause.Malformed, 502, ResponseFlags.UpstreamProtocolError, "upstream_reset_before_response_started{protocol_error}", "upstream connect error or disconnect/reset before headers. reset reason: protocol error")]
    [InlineData(FailurePhase.ResponseHead, FailureCause.RouteTimeout, 504, ResponseFlags.UpstreamRequestTimeout, "upstream_response_timeout", "upstream request timeout")]
    public void Upstream_failures_read_as_Envoy_writes_them(FailurePhase phase, FailureCause cause, int status, ResponseFlags flag, string details, string body)
    {
        var outcome = FailureMap.Of(Failure.Upstream(phase, cause));

        Assert.Equal(status, outcome.Status);
        Assert.Equal(flag, outcome.Flag);
        Assert.Equal(details, outcome.Details);
        Assert.Equal(body, System.Text.Encoding.ASCII.GetString(outcome.Body));
    }

    [Fact]
    public void Answers_that_name_what_a_client_asked_for_are_kept_within_a_bound()
    {
        FailureOutcome outcome = FailureMap.Of(Failure.Upstream(FailurePhase.Connect, FailureCause.ConnectFailed));
        for (int i = 0; i < 2 * LocalReplies.MaxKeptReasons; i++)
        {
            LocalReply reply = LocalReplies.Of(outcome, wasRetried: false, $"TLS_error:the peer's certificate is not for host-{i}");
            Assert.Contains($"host-{i}", reply.Details, StringComparison.Ordinal);
        }

        Assert.InRange(LocalReplies.KeptReasons, 0, LocalReplies.MaxKeptReasons);
        // However many a client made up, a common one is kept again.
        Assert.Same(LocalReplies.Of(outcome, false, "connection refused"), LocalReplies.Of(outcome, false, "connection refused"));
        Assert.Same(LocalReplies.Of(outcome, false, ""), LocalReplies.Of(outcome, false, ""));
    }
}
