using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Cli.Demo;

/// <summary>
/// Gentle traffic into the ingress: a fixed number of page views per second, one in five by the signed-in reader "ana", one in four with TLS, and
/// now and then an order over a WebSocket. Counts what came back, by status and by the version of reviews that answered. One task owns the sending;
/// counters may be read from any thread.
/// </summary>
/// <param name="authority">Whom the ingress's certificate must come from, PEM.</param>
internal sealed class TrafficGenerator(Uri ingress, Uri ingressTls, string authority, double requestsPerSecond, TimeProvider time) : IDisposable
{
    /// <summary>Page views to one order.</summary>
    private const int ViewsPerOrder = 40;

    private readonly HttpClient _client = new(HandlerTrusting(authority)) { Timeout = TimeSpan.FromSeconds(10) };

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _versions = [];
    private long _sent;
    private long _failed;

    /// <summary>Page views and orders so far, those that failed (no page, or one without its reviews; no word of the order), and views by reviews version.</summary>
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
            using var response = await _client.GetAsync(new Uri(ingress, "/book/0"), cancel);
            return IsWhole(response, out _);
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false; // Not in time.
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
                _ = turn % ViewsPerOrder == ViewsPerOrder - 1 ? OrderAsync(underWay, cancel) : ViewAsync(turn, underWay, cancel);
                turn++;
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
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(turn % 4 == 3 ? ingressTls : ingress, $"/book/{turn % 3}"));
            if (turn % 5 == 0)
            {
                request.Headers.Add("end-user", "ana");
            }

            using var response = await _client.SendAsync(request, cancel);
            failed = !IsWhole(response, out version);
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

        Count(failed, version, underWay);
    }

    /// <summary>
    /// Whether this is the page with its reviews. The storefront shows what it could get, with status 200 and the version <c>none</c>, so the status
    /// alone would hide that a call behind it was lost.
    /// </summary>
    private static bool IsWhole(HttpResponseMessage response, out string? version)
    {
        version = response.Headers.TryGetValues("x-reviews-version", out var values) ? values.First() : null;
        return response.StatusCode == HttpStatusCode.OK && version is not (null or "none");
    }

    /// <summary>As the page's button does it: places an order, and has it when the feed tells of one.</summary>
    private async Task OrderAsync(SemaphoreSlim underWay, CancellationToken cancel)
    {
        var failed = true;
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(TimeSpan.FromSeconds(10));
            using var socket = new ClientWebSocket();
            await socket.ConnectAsync(new UriBuilder(ingress) { Scheme = "ws", Path = "/orders/live" }.Uri, patience.Token);
            await socket.SendAsync("""{"book":0,"reader":"Ana"}"""u8.ToArray().AsMemory(), WebSocketMessageType.Text, endOfMessage: true, patience.Token);
            var told = await socket.ReceiveAsync(new byte[1024].AsMemory(), patience.Token);
            failed = told.MessageType != WebSocketMessageType.Text;
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token);
        }
        catch (WebSocketException)
        {
            // Counted as failed below.
        }
        catch (OperationCanceledException)
        {
            if (cancel.IsCancellationRequested) return;
        }

        Count(failed, null, underWay);
    }

    private void Count(bool failed, string? version, SemaphoreSlim underWay)
    {
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

    private static SocketsHttpHandler HandlerTrusting(string authority)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(authority);
        return new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy },
        };
    }
}
