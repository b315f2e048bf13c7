namespace Lateen.Bench.Micro.Tests;

public sealed class AllocationGateTests
{
    private static string Baseline => Path.Combine(AppContext.BaseDirectory, "allocations.json");

    [Fact]
    public void No_benchmark_allocates_more_than_its_line_in_the_baseline()
    {
        IReadOnlyList<string> failures = AllocationGate.Compare(AllocationGate.ReadBaseline(Baseline), AllocationGate.Measure());
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    [Fact]
    public void Growth_and_unnamed_and_vanished_benchmarks_each_fail_the_gate()
    {
        var baseline = new SortedDictionary<string, long> { ["Codec.Same"] = 0, ["Codec.Grown"] = 24, ["Codec.Shrunk"] = 24, ["Codec.Gone"] = 0 };
        var measured = new SortedDictionary<string, long> { ["Codec.Same"] = 0, ["Codec.Grown"] = 32, ["Codec.Shrunk"] = 0, ["Codec.New"] = 0 };
        IReadOnlyList<string> failures = AllocationGate.Compare(baseline, measured);
        Assert.Equal(3, failures.Count);
        Assert.Contains(failures, failure => failure.Contains("Codec.Grown allocates 32 B", StringComparison.Ordinal));
        Assert.Contains(failures, failure => failure.StartsWith("Codec.New ", StringComparison.Ordinal));
        Assert.Contains(failures, failure => failure.StartsWith("Codec.Gone ", StringComparison.Ordinal));
    }
}
