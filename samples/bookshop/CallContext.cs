namespace Bookshop;

/// <summary>What a service hands on from the request that it serves to the requests that it makes.</summary>
/// <remarks>
/// A mesh can time and log every hop, but only the application knows which outgoing call belongs to which incoming one. Handing these
/// headers on is all that a service has to do for traces and per-user routing to work end to end.
/// </remarks>
internal static class CallContext
{
    /// <summary>The named HttpClient for calls to other services.</summary>
    public const string ClientName = "shop";

    private static readonly string[] Handed =
        ["x-request-id", "traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "end-user"];

    /// <summary>The headers of <paramref name="incoming"/> that go with every call made for it.</summary>
    public static IEnumerable<(string Name, string Value)> HandedOn(HttpContext incoming)
    {
        foreach (var name in Handed)
        {
            if (incoming.Request.Headers.TryGetValue(name, out var values) && (string?)values is { } value)
            {
                yield return (name, value);
            }
        }
    }

    /// <summary>GETs JSON from another service on behalf of <paramref name="incoming"/>; null when it could not be had, with the reason.</summary>
    public static async Task<(T? Value, string? Failure)> GetAsync<T>(HttpContext incoming, string url)
        where T : class
    {
        var client = incoming.RequestServices.GetRequiredService<IHttpClientFactory>().CreateClient(ClientName);
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        foreach (var (name, value) in HandedOn(incoming))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        try
        {
            using var response = await client.SendAsync(request, incoming.RequestAborted);
            return response.IsSuccessStatusCode
                ? (await response.Content.ReadFromJsonAsync<T>(incoming.RequestAborted), null)
                : (null, $"{(int)response.StatusCode} {response.ReasonPhrase}");
        }
        catch (HttpRequestException failure)
        {
            return (null, failure.HttpRequestError.ToString());
        }
        catch (TaskCanceledException) when (!incoming.RequestAborted.IsCancellationRequested)
        {
            return (null, "timed out");
        }
    }
}
