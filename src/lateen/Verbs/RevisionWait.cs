using Lateen.Cli.Connection;
using Lateen.Cli.Output;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary>Waits until a revision is served by every proxy that it concerns: the long poll behind <c>--wait</c>, with progress to standard error.</summary>
internal static class RevisionWait
{
    /// <summary>One poll's length. Short enough that progress is seen to move, long enough to cost nothing.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(
        CliEnvironment environment, ControlPlaneClient client, long revision, TimeSpan timeout, CancellationToken cancellation)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            TimeSpan elapsed = TimeProvider.System.GetElapsedTime(started);
            TimeSpan left = timeout > elapsed ? timeout - elapsed : TimeSpan.Zero;
            double step = Math.Min(Step.TotalSeconds, left.TotalSeconds);
            var state = await client.GetAsync(
                FormattableString.Invariant($"api/v1/revisions/{revision}/served?timeoutSeconds={step}"), ApiJson.Default.ServedResponse, cancellation);
            if (state.Served)
            {
                environment.Error.WriteLine(state.Concerned.Count == 0
                    ? $"revision {revision} is served: it changes nothing for the proxies connected now"
                    : $"revision {revision} is served by {Report.Count(state.Concerned.Count, "proxy").Replace("proxys", "proxies", StringComparison.Ordinal)}");
                return ExitCode.Success;
            }

            if (state.Rejected.Count > 0) return Refused(environment, state);
            if (left == TimeSpan.Zero)
            {
                throw new CliException(ExitCode.TimedOut,
                    $"revision {revision} is stored, but after {timeout.TotalSeconds:0.#} s these proxies have not acknowledged it: {string.Join(", ", state.Pending)}",
                    "look at `lateen proxy-status`; a proxy that is down takes the change when it connects again");
            }

            environment.Error.WriteLine($"waiting for {state.Pending.Count} of {state.Concerned.Count}: {string.Join(", ", state.Pending.Take(5))}");
        }
    }

    private static int Refused(CliEnvironment environment, ServedResponse state)
    {
        foreach (var rejection in state.Rejected)
            environment.Error.WriteLine($"error: {rejection.Proxy} refused {rejection.Type} of revision {state.Revision}: {rejection.Reason}");
        environment.Error.WriteLine("  the proxy goes on with what it had; correct the resource and apply again");
        return ExitCode.Refused;
    }
}
