using Lateen.Bench.Compare;

namespace Lateen.Bench.Tests;

/// <summary>What a comparison says of its budgets, and which budgets there are.</summary>
public sealed class BudgetTests
{
    [Theory]
    [InlineData("http1", "nginx", 1.0)]
    [InlineData("http1", "yarp", 0.55)]
    [InlineData("http2", "nginx", 1.0)]
    [InlineData("grpc", "nginx", 0.9)]
    [InlineData("tls", "nginx", 1.0)]
    public void Promised_CPU_is_judged(string scenario, string peer, double limit) =>
        Assert.Contains(new Budget(peer, BudgetFigure.CpuPerUnit, limit), Scenarios.Find([scenario])!.Single().Budgets);

    [Theory]
    [InlineData(11, 20, true)]
    [InlineData(11.5, 20, false)]
    [InlineData(21, 20, false)]
    public void CPU_per_request_is_held_up_to_the_limit(double lateen, double yarp, bool isHeld)
    {
        var scenario = Scenarios.Find(["http1"])!.Single();
        Standing[] standings = [Of("lateen", lateen), Of("yarp", yarp)];

        var verdict = Verdict.Of(scenario, standings).Single(verdict => verdict.Budget.Peer == "yarp");

        Assert.Equal(isHeld, verdict.IsHeld);
        Assert.Contains(isHeld ? "| 0.55 | 0.55 | held |" : "| NOT HELD |", ResultTable.Render(scenario, standings, new CompareOptions()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_budget_beside_a_peer_that_did_not_run_is_named_and_neither_held_nor_missed()
    {
        var scenario = Scenarios.Find(["http1"])!.Single();
        Standing[] standings = [Of("lateen", 10), Of("nginx", 20)];

        Assert.Equal([true, null], Verdict.Of(scenario, standings).Select(verdict => verdict.IsHeld));
        Assert.Contains("not judged: yarp did not run", ResultTable.Render(scenario, standings, new CompareOptions()), StringComparison.Ordinal);
    }

    /// <summary>Half of the time is the system's, as if measured.</summary>
    private static Standing Of(string name, double microseconds) => new(name, 0, 0, [new Measurement(microseconds / 2, microseconds / 2, 1000)]);
}
