namespace Lateen.Bench.Compare;

/// <summary>A budget and what a run says of it.</summary>
/// <param name="Ratio">Lateen's figure divided by the peer's, medians of all rounds; null when one of the two did not run.</param>
internal sealed record Verdict(Budget Budget, double? Ratio)
{
    /// <summary>Whether the run kept it; null when the run could not tell.</summary>
    internal bool? IsHeld => Ratio is not { } ratio ? null : Budget.Figure == BudgetFigure.CpuPerUnit ? ratio <= Budget.Limit : ratio >= Budget.Limit;

    /// <summary>Every budget of a scenario, judged by the rounds of one run.</summary>
    internal static IReadOnlyList<Verdict> Of(Scenario scenario, IReadOnlyList<Standing> standings)
    {
        var lateen = standings.FirstOrDefault(standing => standing.Name == "lateen");
        return [.. scenario.Budgets.Select(budget => new Verdict(
            budget,
            lateen is not null && standings.FirstOrDefault(standing => standing.Name == budget.Peer) is { } peer ? ResultTable.Ratio(lateen, peer, budget.Figure) : null))];
    }
}
