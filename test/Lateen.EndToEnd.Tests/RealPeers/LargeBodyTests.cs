using System.Globalization;
using System.Net;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>
/// Bodies far larger than a proxy's memory, with a reader that stops for as long as the sender can go on: what does not fit must wait at its sender.
/// 256 MB each way; LATEEN_LARGE_BODY_MB asks for another size, as test.sh does: 1 GB, through the published proxy.
/// </summary>
[Collection(PeerTests.Name)]
public sealed class LargeBodyTests(PeerMesh mesh)
{
    /// <summary>
    /// Resident memory that a proxy may come to. KiB. It is the published program's bound; the one that is built for tests carries the runtime and its
    /// compiler, which is 40 MB more.
    /// </summary>
    private static readonly long MostResidentKib = (Programs.PublishedProxy is null ? 64 + 40 : 64) * 1024;

    private static readonly long Bytes = SizeMb() * 1024 * 1024;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [InlineData("http", 1)]
    [InlineData("https", 1)]
    [InlineData("http", 2)]
    [InlineData("https", 2)]
    public async Task An_upload_waits_for_a_slow_reader_and_not_in_the_proxies(string scheme, int version)
    {
        mesh.Web.Reader.Stop();
        using var client = Client();
        var content = new CountedContent(Bytes);
        using var request = Request(HttpMethod.Put, scheme, "/sink", version);
        request.Content = content;
        var answering = client.SendAsync(request, Cancel);

        await using var memory = new MemoryWatch(mesh);
        await StalledAsync(() => content.Sent, memory);
        mesh.Web.Reader.GoOn();
        using var response = await answering;

        Assert.Equal($"{Bytes}", await response.Content.ReadAsStringAsync(Cancel));
        await memory.AssertBelowAsync(MostResidentKib);
    }

    [Theory(Timeout = 300_000)]
    [InlineData("http", 1)]
    [InlineData("https", 1)]
    [InlineData("http", 2)]
    [InlineData("https", 2)]
    public async Task A_download_waits_for_a_slow_reader_and_not_in_the_proxies(string scheme, int version)
    {
        using var client = Client();
        using var request = Request(HttpMethod.Get, scheme, $"/bytes/{Bytes}", version);
        await using var memory = new MemoryWatch(mesh);
        var before = mesh.Web.BytesSent;
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        await using var body = await response.Content.ReadAsStreamAsync(Cancel);
        var buffer = new byte[256 * 1024];
        long total = await body.ReadAsync(buffer, Cancel);

        await StalledAsync(() => mesh.Web.BytesSent - before, memory);
        for (int read; (read = await body.ReadAsync(buffer, Cancel)) > 0;)
        {
            total += read;
        }

        Assert.Equal(Bytes, total);
        await memory.AssertBelowAsync(MostResidentKib);
    }

    /// <summary>Waits until a count has stood still for some looks at the proxies: whoever sends can send no more.</summary>
    private static async Task StalledAsync(Func<long> count, MemoryWatch memory)
    {
        var (last, same) = (-1L, 0);
        while (same < 10)
        {
            await memory.NextLookAsync(Cancel);
            var now = count();
            same = now == last && now > 0 ? same + 1 : 0;
            last = now;
        }

        Assert.True(last < Bytes, $"all of {Bytes} bytes went somewhere while their reader stood still");
    }

    private HttpClient Client() => new(new SocketsHttpHandler { UseProxy = false, SslOptions = mesh.Authority.Trusting }) { Timeout = Timeout.InfiniteTimeSpan };

    private HttpRequestMessage Request(HttpMethod method, string scheme, string path, int version) => new(method, scheme == "https" ? mesh.Https(path) : mesh.Http(path))
    {
        Version = version == 2 ? HttpVersion.Version20 : HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private static long SizeMb()
    {
#pragma warning disable RS0030 // A test is an executable: how much is asked of it is said by its environment.
        return long.Parse(Environment.GetEnvironmentVariable("LATEEN_LARGE_BODY_MB") ?? "256", CultureInfo.InvariantCulture);
#pragma warning restore RS0030
    }

    /// <summary>Zeros, as many as wanted, counted as they are taken.</summary>
    private sealed class CountedContent(long bytes) : HttpContent
    {
        private long _sent;

        public long Sent => Interlocked.Read(ref _sent);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var chunk = new byte[64 * 1024];
            for (var left = bytes; left > 0;)
            {
                var size = (int)Math.Min(left, chunk.Length);
                await stream.WriteAsync(chunk.AsMemory(0, size), Cancel);
                left -= size;
                Interlocked.Add(ref _sent, size);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes;
            return true;
        }
    }
}
