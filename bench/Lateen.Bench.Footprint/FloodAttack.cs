using System.Globalization;
using Lateen.Testing;

namespace Lateen.Bench.Footprint;

/// <summary>
/// Attackers that come one after the other, so many a second, each of which floods until its connection is ended: a process of its own that goes on until it is
/// killed, and says a line for each that was refused.
/// </summary>
internal static class FloodAttack
{
    /// <summary>The first argument that makes this program an attacker; the port and the flood's name follow.</summary>
    internal const string Verb = "attack";

    /// <summary>Said once.</summary>
    internal const string Begun = "attacking";

    /// <summary>Said each time that a connection was ended.</summary>
    internal const string Refused = "refused";

    private const int AttackersPerSecond = 10;

    internal static async Task<int> RunAsync(string port, string name)
    {
        var flood = Http2Flood.All.Single(one => one.Name == name);
        using var pace = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / AttackersPerSecond));
        Console.WriteLine(Begun);
        while (await pace.WaitForNextTickAsync())
        {
            await using var attacker = await Http2Attacker.ConnectAsync(int.Parse(port, CultureInfo.InvariantCulture), flood, tls: null, CancellationToken.None);
            await attacker.FloodUntilClosedAsync(CancellationToken.None);
            Console.WriteLine(Refused);
        }

        return 0;
    }
}
