using System.Net;

namespace Lateen.Cli.Demo;

/// <summary>
/// Gentle traffic into the ingress: a fixed number of page views per second, one in five by the signed-in reader "ana". Counts what came back,
/// by status and by the version of reviews that answered. One task owns the sending; counters may be read from any thread.
/// </summary>
internal sealed class TrafficGenerator(Uri ingress, double requestsPerSecond, TimeProvider time) : IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false })
    {
        BaseAddress = ingress,
        Timeout = TimeSpan.FromSeconds(10),
    };

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _versions = [];
    private long _sent;
    private long _failed;

    /// <summary>Page views answered or failed so far, those that failed (5xx or no answer), and views by reviews version.</summary>
    public (long Sent, long Failed, IReadOnlyDictionary<string, long> Versions) Counts
    {
        get
        {
            lock (_gate)
            {
                return (_sent, _failed, new Dictionary<string, long>(_versions));
            }
        }
    }

    /// <summary>Whether the storefront answers through the ingress now.</summary>
    public async Task<bool> IsServingAsync(CancellationToken cancel)
    {
        try
        {
            using var response = await _client.GetAsync("/book/0", cancel);
            return response.StatusCode == HttpStatusCode.OK && response.Headers.TryGetValues("x-reviews-version", out var version) && version.First() != "none";
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>Sends until cancelled. Each view is its own task, so a slow answer does not slow the pace; at most 64 are under way.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / requestsPerSecond), time);
        using var underWay = new SemaphoreSlim(64);
        long turn = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(cancel))
            {
                await underWay.WaitAsync(cancel);
                _ = ViewAsync(turn++, underWay, cancel);
            }
        }
        catch (OperationCanceledException)
        {
            // The demo is ending.
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task ViewAsync(long turn, SemaphoreSlim underWay, CancellationToken cancel)
    {
        string? version = null;
        var failed = true;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/book/{turn % 3}");
            if (turn % 5 == 0)
            {
                request.Headers.Add("end-user", "ana");
            }

            using var response = await _client.SendAsync(request, cancel);
            failed = (int)response.StatusCode >= 500;
            version = response.Headers.TryGetValues("x-reviews-version", out var values) ? values.First() : null;
        }
        catch (HttpRequestException)
        {
            // Counted as failed below.
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return;
        }
        catch (TaskCanceledException)
        {
            // Timed out: counted as failed below.
        }

        lock (_gate)
        {
            _sent++;
            _failed += failed ? 1 : 0;
            if (version is not null)
            {
                _versions[version] = _versions.GetValueOrDefault(version) + 1;
            }
        }

        try
        {
            underWay.Release();
        }
        catch (ObjectDisposedException)
        {
            // The demo ended between the answer and here.
        }
    }
}
