using System.Net;
using System.Net.Http.Headers;

namespace Lateen.Bench.Compare.Loads;

/// <summary>One gRPC call before any is counted: h2load looks at the HTTP status alone, and a proxy that loses trailers would look fast.</summary>
internal static class GrpcProbe
{
    internal static async Task CheckAsync(Contender contender)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{contender.Port}{H2Load.Grpc.Paths[0]}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(H2Load.Grpc.Message!),
        };
        request.Headers.Host = "shop.bench.example";
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        using var response = await client.SendAsync(request);
        var answer = await response.Content.ReadAsByteArrayAsync();
        var status = response.TrailingHeaders.TryGetValues("grpc-status", out var values) ? values.First() : "missing";
        if (status != "0" || !answer.AsSpan().SequenceEqual(H2Load.Grpc.Message!))
            throw new InvalidOperationException($"{contender.Name} does not carry gRPC: status {(int)response.StatusCode}, grpc-status {status}, {answer.Length} bytes");
    }
}
