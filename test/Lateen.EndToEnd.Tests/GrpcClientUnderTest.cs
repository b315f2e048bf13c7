using System.Text.Json;
using System.Text.Json.Serialization;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>What a number of calls came to.</summary>
/// <param name="Names">Who answered, and how often.</param>
/// <param name="Failures">Why calls failed (<c>UNAVAILABLE: ...</c>), and how often.</param>
internal sealed record CallOutcome(int Id, IReadOnlyDictionary<string, int> Names, IReadOnlyDictionary<string, int> Failures)
{
    /// <summary>How often somebody of that name answered.</summary>
    public int By(string name) => Names.GetValueOrDefault(name);

    public override string ToString() => JsonSerializer.Serialize(this);
}

/// <summary>
/// A gRPC client that is not ours and finds its servers over xDS: <c>@grpc/grpc-js-xds</c> on Node, or gRPC's C core under Python. It runs as a
/// process (test/peers) and calls when it is told to.
/// </summary>
internal sealed class GrpcClientUnderTest
{
    public const string Node = "grpc-js";
    public const string Python = "grpc-python";

    /// <summary>The call of test/peers/names.proto.</summary>
    private const string Names = "/lateen.test.Names/Say";

    private int _orders;

    private GrpcClientUnderTest(ProgramUnderTest program) => Program = program;

    public ProgramUnderTest Program { get; }

    /// <summary>Why tests with a client of this kind do not run here; null when they do.</summary>
    public static string? WhyWithout(string kind) => kind == Node ? Peers.WhyWithoutGrpcJs : Peers.WhyWithoutGrpcPython;

    public static GrpcClientUnderTest Start(string kind, string target, string bootstrap)
    {
        var environment = new Dictionary<string, string> { ["GRPC_XDS_BOOTSTRAP"] = bootstrap, ["NODE_PATH"] = Peers.GrpcJsModules };
        var peers = Path.Combine(Programs.Root, "test", "peers");
        return new GrpcClientUnderTest(kind == Node
            ? ProgramUnderTest.Start(kind, "node", [Path.Combine(peers, "grpc-js", "client.js"), target], environment, takesInput: true)
            : ProgramUnderTest.Start(kind, Peers.Python, [Path.Combine(peers, "grpc-python", "client.py"), target], environment, takesInput: true));
    }

    /// <summary>Makes calls and waits for the last of them. Orders may overlap.</summary>
    /// <param name="method">One that answers an empty message, and whose answer ends in a text that says who gave it.</param>
    public async Task<CallOutcome> CallAsync(int calls, CancellationToken cancel, int parallel = 8, string? user = null, string method = Names)
    {
        var id = Interlocked.Increment(ref _orders);
        var metadata = user is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["end-user"] = user };
        await Program.WriteLineAsync(JsonSerializer.Serialize(new { id, method, calls, parallel, metadata }), cancel);
        var line = await Program.WaitForLineAsync(line => line.StartsWith($"{{\"id\":{id},", StringComparison.Ordinal), $"the outcome of order {id}", cancel);
        return JsonSerializer.Deserialize<CallOutcome>(line, Web)!;
    }

    /// <summary>Calls on and on, until <see cref="SteadyCalls.StopAsync"/>.</summary>
    public SteadyCalls CallSteadily(CancellationToken cancel, string method = Names) => new(this, method, cancel);

    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };
}

/// <summary>Calls that go on while something happens.</summary>
internal sealed class SteadyCalls
{
    private readonly Task<(int Calls, string Failures)> _calls;
    private volatile bool _isStopping;

    public SteadyCalls(GrpcClientUnderTest client, string method, CancellationToken cancel) => _calls = RunAsync(client, method, cancel);

    /// <summary>How many calls were made, and the failures among them as text; empty for none.</summary>
    public async Task<(int Calls, string Failures)> StopAsync()
    {
        _isStopping = true;
        return await _calls;
    }

    private async Task<(int Calls, string Failures)> RunAsync(GrpcClientUnderTest client, string method, CancellationToken cancel)
    {
        var (calls, failures) = (0, new HashSet<string>());
        while (!_isStopping)
        {
            var outcome = await client.CallAsync(50, cancel, parallel: 2, method: method);
            calls += outcome.Names.Values.Sum();
            failures.UnionWith(outcome.Failures.Keys);
        }

        return (calls, string.Join("; ", failures));
    }
}
