using System.Diagnostics;
using Lateen.Model;

namespace Lateen.Translation.Tests;

/// <summary>Not a test of time: it says in the test output how long a change takes at 2,000 services, and asserts only what changed.</summary>
public sealed class ScaleReport(ITestOutputHelper output)
{
    [Fact]
    public void One_route_of_two_thousand_changes_one_virtual_host()
    {
        var resources = TestMesh.Of(2000);
        var translator = new Translator();
        var proxy = TestMesh.Sidecar();
        var clock = Stopwatch.StartNew();
        var snapshot = MeshSnapshotBuilder.Build(null, resources, 1);
        output.WriteLine($"first snapshot {clock.Elapsed.TotalMilliseconds:0.0} ms");
        clock.Restart();
        var result = translator.Translate(snapshot, proxy);
        translator.EndRound();
        output.WriteLine($"first translation {clock.Elapsed.TotalMilliseconds:0.0} ms, table of {result.Routes[0].Body.Length} octets");

        for (int i = 0; i < 20; i++)
        {
            resources = resources.With(TestMesh.Route($"svc-{i * 97:0000}", TimeSpan.FromSeconds(i + 1)));
            clock.Restart();
            snapshot = MeshSnapshotBuilder.Build(snapshot, resources, i + 2);
            double built = clock.Elapsed.TotalMilliseconds;
            var next = translator.Translate(snapshot, proxy);
            translator.EndRound();
            output.WriteLine($"change {i}: snapshot {built:0.0} ms, translation {clock.Elapsed.TotalMilliseconds - built:0.0} ms");
            Assert.NotEqual(result.Routes[0].Version, next.Routes[0].Version);
            Assert.Equal(result.Clusters.Length, next.Clusters.Zip(result.Clusters).Count(pair => ReferenceEquals(pair.First, pair.Second)));
            result = next;
        }
    }
}
