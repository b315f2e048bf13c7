using System.Globalization;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>A running <c>lateen-proxy</c> and its admin pages.</summary>
internal sealed class ProxyUnderTest(ProgramUnderTest program, Uri admin, HttpClient client)
{
    public ProgramUnderTest Program { get; } = program;

    public Task<string> AdminAsync(string path, CancellationToken cancel) => client.GetStringAsync(new Uri(admin, path), cancel);

    /// <summary>The value of one of Envoy's plain statistics; 0 when the proxy has not counted it yet.</summary>
    public async Task<long> StatAsync(string name, CancellationToken cancel)
    {
        var page = await AdminAsync("/stats", cancel);
        var line = page.Split('\n').FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[(name.Length + 1)..].Trim(), CultureInfo.InvariantCulture);
    }
}
