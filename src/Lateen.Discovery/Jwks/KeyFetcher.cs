using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Lateen.Model.Security;

namespace Lateen.Discovery.Jwks;

/// <summary>What a fetch brought: a key set, or the reason why not.</summary>
public readonly record struct KeyFetch(JsonWebKeySet? Keys, string? Failure);

/// <summary>
/// Fetches a key set by its URL, or by what an issuer's OpenID configuration says (OpenID Connect Discovery 1.0 section 4). Everything is bounded: time,
/// size, redirects; TLS is verified; addresses are judged by an <see cref="AddressGuard"/> on every connection, those of redirects included.
/// </summary>
/// <remarks>Thread-safe. What goes wrong at the other end is a result, not an exception.</remarks>
public sealed class KeyFetcher : IDisposable
{
    private const string DiscoveryPath = "/.well-known/openid-configuration";

    /// <summary>Redirects followed per document. Count. Hit: the fetch fails.</summary>
    private const int MaxRedirects = 3;

    /// <summary>Bytes of an OpenID configuration. Hit: the fetch fails.</summary>
    private const int MaxConfigurationBytes = 64 * 1024;

    private readonly AddressGuard _guard;
    private readonly JwksOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public KeyFetcher(JwksOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _time = time;
        _guard = new AddressGuard(options.AllowedNetworks);
        var handler = new SocketsHttpHandler
        {
            // Redirects are followed by hand, so that each is judged; a proxy of the environment would connect in our stead, past the guard.
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 32,
            MaxConnectionsPerServer = 4,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            ConnectCallback = ConnectAsync,
        };
        if (options.ExtraRoots is { Count: > 0 } roots) handler.SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, certificate, chain, errors) => Verify(certificate, chain, errors, roots) };
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <param name="timeout">For all of it, discovery and redirects included.</param>
    public async Task<KeyFetch> FetchAsync(KeySource source, TimeSpan timeout, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            string uri = source.Uri;
            if (source.IsIssuer)
            {
                var (configuration, failure) = await GetAsync(source.Uri.TrimEnd('/') + DiscoveryPath, MaxConfigurationBytes, either.Token);
                if (failure is not null) return new KeyFetch(null, $"OpenID configuration: {failure}");
                if (JwksUriOf(configuration!, source.Uri, out failure) is not { } named) return new KeyFetch(null, $"OpenID configuration: {failure}");
                if (IsDowngrade(source.Uri, named)) return new KeyFetch(null, $"OpenID configuration: its jwks_uri {named} is not https");
                uri = named;
            }

            var (text, fault) = await GetAsync(uri, JsonWebKeySet.MaxBytes, either.Token);
            if (fault is not null) return new KeyFetch(null, fault);
            return JsonWebKeySet.Read(text!, out string? reason) is { } keys ? new KeyFetch(keys, null) : new KeyFetch(null, $"{uri}: not a key set: {reason}");
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return new KeyFetch(null, $"no answer within {timeout.TotalSeconds:0.###} s");
        }
    }

    private async Task<(string? Text, string? Failure)> GetAsync(string address, int maxBytes, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri)) return (null, $"'{address}' is not a URL");
        for (int redirects = 0; redirects <= MaxRedirects; redirects++)
        {
            if (SchemeFault(uri) is { } schemeFault) return (null, schemeFault);
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, uri);
                request.Headers.Add("accept", "application/json, application/jwk-set+json");
                using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
                if (response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect
                    or HttpStatusCode.PermanentRedirect && response.Headers.Location is { } location)
                {
                    var target = new Uri(uri, location);
                    if (IsDowngrade(uri.AbsoluteUri, target.AbsoluteUri)) return (null, $"{uri} redirects to {target}, which is not https");
                    uri = target;
                    continue;
                }

                if (response.StatusCode != HttpStatusCode.OK) return (null, $"{uri} answered {(int)response.StatusCode}");
                return await ReadAsync(response, uri, maxBytes, cancellation);
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException or SocketException or UriFormatException)
            {
                return (null, $"{uri}: {Describe(fault)}");
            }
        }

        return (null, $"{address} redirects more than {MaxRedirects} times");
    }

    /// <summary>Even where http is allowed: who wrote https was promised that nobody in between chooses the keys.</summary>
    private static bool IsDowngrade(string from, string to) =>
        from.StartsWith("https:", StringComparison.OrdinalIgnoreCase) && to.StartsWith("http:", StringComparison.OrdinalIgnoreCase);

    private string? SchemeFault(Uri uri)
    {
        if (uri.Scheme == Uri.UriSchemeHttps) return null;
        if (uri.Scheme != Uri.UriSchemeHttp) return $"{uri} is neither https nor http";
        return _options.AllowHttp ? null : $"{uri} is not https; the control plane has to be told to fetch keys over http";
    }

    private static async Task<(string? Text, string? Failure)> ReadAsync(HttpResponseMessage response, Uri uri, int maxBytes, CancellationToken cancellation)
    {
        if (response.Content.Headers.ContentLength > maxBytes) return (null, $"{uri} answers with more than {maxBytes} bytes");
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        byte[] buffer = new byte[maxBytes + 1];
        int length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        return length > maxBytes ? (null, $"{uri} answers with more than {maxBytes} bytes") : (Encoding.UTF8.GetString(buffer, 0, length), null);
    }

    private static string? JwksUriOf(string configuration, string issuer, out string? failure)
    {
        try
        {
            using var document = JsonDocument.Parse(configuration, new JsonDocumentOptions { MaxDepth = 16 });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || Text(root, "jwks_uri") is not { } uri)
            {
                failure = "it names no jwks_uri";
                return null;
            }

            // OpenID Connect Discovery 1.0 section 4.3: the issuer must be the one that was asked for. A slash at the end is forgiven.
            if (Text(root, "issuer")?.TrimEnd('/') != issuer.TrimEnd('/'))
            {
                failure = $"it is of another issuer than {issuer}";
                return null;
            }

            failure = null;
            return uri;
        }
        catch (JsonException)
        {
            failure = "it is not JSON";
            return null;
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var endpoint = context.DnsEndPoint;
        var addresses = IPAddress.TryParse(endpoint.Host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(endpoint.Host, cancellation);
        var allowed = addresses.Where(_guard.Allows).ToArray();
        if (allowed.Length == 0)
            throw new IOException(
                addresses.Length == 0
                    ? $"the name {endpoint.Host} has no address"
                    : $"{endpoint.Host} is at {addresses[0]}, which is not on the public Internet; the control plane has to be told to fetch keys from there");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, endpoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>As the machine would, with more roots: name and everything else are checked all the same.</summary>
    private static bool Verify(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, X509Certificate2Collection roots)
    {
        if (errors == SslPolicyErrors.None) return true;
        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || certificate is not X509Certificate2 leaf || chain is null) return false;
        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        own.ChainPolicy.CustomTrustStore.AddRange(roots);
        own.ChainPolicy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid("1.3.6.1.5.5.7.3.1"));
        foreach (var element in chain.ChainElements) own.ChainPolicy.ExtraStore.Add(element.Certificate);
        return own.Build(leaf);
    }

    /// <summary>The innermost message is the one that says what happened.</summary>
    private static string Describe(Exception fault)
    {
        while (fault.InnerException is { } inner) fault = inner;
        return fault.Message;
    }

    public void Dispose() => _http.Dispose();
}
