using System.Diagnostics;
using System.Text;

namespace Lateen.ControlPlane.Tests;

/// <summary>
/// Not a test of time: it says in the test output how long it takes from a change to the bytes at a proxy with 2,000 services and 2,000
/// VirtualServices, over real HTTP and real gRPC, and asserts only that each change came as what it is.
/// </summary>
public sealed class ScaleReport(ITestOutputHelper output)
{
    private const int Services = 2000;
    private const int Changes = 60;

    [Fact]
    public async Task Changes_in_a_mesh_of_two_thousand_services_travel_alone()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var all = new StringBuilder();
        for (int i = 0; i < Services; i++)
        {
            all.Append(TestPlane.Service($"svc-{i:0000}", $"10.1.{i / 250}.{(i % 250) + 1}")).Append("---\n");
            all.Append(TestPlane.Route($"svc-{i:0000}")).Append("---\n");
        }

        await using var plane = await TestPlane.StartAsync(("mesh.yaml", all.ToString()));
        await using var proxy = new FakeProxy(plane.XdsAddress);
        await proxy.UntilAsync(_ => proxy.Held("EDS") == Services && proxy.Held("RDS") == 1, cancellation);

        var routes = await MeasureAsync(plane, proxy, i => TestPlane.Route($"svc-{i * 31:0000}", $"{i + 1}s"), "RDS");
        var endpoints = await MeasureAsync(plane, proxy, i => TestPlane.Service($"svc-{i * 29:0000}", $"10.9.0.{i + 1}"), "EDS");

        Tell("one route of 2,000", routes);
        Tell("one endpoint of 2,000", endpoints);
    }

    private static async Task<(List<double> Times, double CpuPerChange)> MeasureAsync(TestPlane plane, FakeProxy proxy, Func<int, string> text, string type)
    {
        var times = new List<double>();
        using var process = Process.GetCurrentProcess();
        var cpu = process.TotalProcessorTime;
        for (int i = 0; i < Changes; i++)
        {
            int before = proxy.Seen.Count;
            var clock = Stopwatch.StartNew();
            var applying = plane.ApplyAsync(text(i));
            var seen = await proxy.UntilAsync(seen => seen.Count > before, TestContext.Current.CancellationToken);
            times.Add(clock.Elapsed.TotalMilliseconds);
            Assert.True((await applying).Accepted);
            var update = Assert.Single(seen.Skip(before));
            Assert.Equal(type, update.Type);
            Assert.Single(update.Changed);
        }

        process.Refresh();
        return (times, (process.TotalProcessorTime - cpu).TotalMilliseconds / Changes);
    }

    private void Tell(string what, (List<double> Times, double CpuPerChange) measured)
    {
        var times = measured.Times;
        times.Sort();
        output.WriteLine($"{what}: apply to received, ms: p50 {times[Changes / 2]:0.0}, p90 {times[Changes * 9 / 10]:0.0}, max {times[^1]:0.0}; CPU per change of control plane, client and proxy together {measured.CpuPerChange:0.0}");
    }
}
