using System.Text;
using Lateen.EndToEnd.Tests.RealPeers;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>What passes some ports of loopback, as tcpdump sees it: the network with nobody's help.</summary>
internal sealed class PacketCapture : IAsyncDisposable
{
    /// <summary>Packets after which it stops by itself. Count; a few pages of the demo are a few hundred.</summary>
    private const int MaxPackets = 200_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-capture-").FullName;
    private readonly ProgramUnderTest _tcpdump;

    private PacketCapture(IEnumerable<int> ports)
    {
        // Started by root it would write as a user of its own, who may not write here.
        string[] user = Environment.IsPrivilegedProcess ? ["-Z", "root"] : [];
        string filter = $"tcp and ({string.Join(" or ", ports.Select(static port => $"port {port}"))})";
        _tcpdump = ProgramUnderTest.Start("tcpdump", "tcpdump", ["-i", "lo", "--immediate-mode", "-U", .. user, "-c", $"{MaxPackets}", "-w", FilePath, filter]);
    }

    private string FilePath => Path.Combine(_folder, "seen.pcap");

    /// <summary>Starts to look; skips the test where that cannot be had.</summary>
    public static async Task<PacketCapture> StartAsync(IEnumerable<int> ports, CancellationToken cancel)
    {
        Assert.SkipWhen(Tools.WhyWithout("tcpdump", "tcpdump") is not null, Tools.WhyWithout("tcpdump", "tcpdump") ?? "");
        var capture = new PacketCapture(ports);
        string? said = null;
        try
        {
            said = await capture._tcpdump.WaitForLineAsync(static line => line.Contains("listening on", StringComparison.Ordinal) || line.Contains("permi", StringComparison.Ordinal), "a word", cancel);
            return capture;
        }
        finally
        {
            if (said?.Contains("listening on", StringComparison.Ordinal) != true) await capture.DisposeAsync();
            Assert.SkipWhen(said?.Contains("listening on", StringComparison.Ordinal) == false, $"this user may not capture packets: {said}");
        }
    }

    /// <summary>Whether a text was seen as it is.</summary>
    public bool Has(string text)
    {
        using var file = new FileStream(FilePath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(text)) >= 0;
    }

    /// <summary>Waits until a text has been seen: packets are written in their order, so what was sent before it is in the file too.</summary>
    public Task UntilSeenAsync(string text, CancellationToken cancel) =>
        MeshUnderTest.UntilAsync($"'{text}' to pass", () => Task.FromResult(File.Exists(FilePath) && Has(text)), _tcpdump, cancel);

    public async ValueTask DisposeAsync()
    {
        await _tcpdump.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
