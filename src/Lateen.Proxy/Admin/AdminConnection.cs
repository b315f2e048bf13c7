using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Logging;

namespace Lateen.Proxy.Admin;

/// <summary>One client of the admin server: reads requests with the proxy's own parser and answers them one by one.</summary>
internal sealed class AdminConnection(Socket socket, AdminSite site, Logger log, AdminAccessLogs? accessLogs, TimeProvider time, bool isLoopback)
{
    /// <summary>A client that sends nothing for so long is let go. Prometheus scrapes every 15 to 60 s.</summary>
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(2);

    /// <summary>A client that takes nothing for so long is let go. Milliseconds.</summary>
    private const int SendTimeoutMilliseconds = 30_000;

    /// <summary>Commands need no body; one that is sent is read past, up to here. Octets.</summary>
    private const long MaxBody = 64 * 1024;

    private static readonly Http1RequestParser Parser = new(new Http1RequestOptions { DefaultHostForHttp10 = "localhost" });

    private readonly byte[] _input = new byte[4096];
    private readonly HttpRequestHead _head = new();
    private readonly Http1BodyDecoder _body = new();
    private int _begin;
    private int _end;

    public async Task RunAsync(CancellationToken stop)
    {
        socket.NoDelay = socket.AddressFamily != AddressFamily.Unix;
        socket.SendTimeout = SendTimeoutMilliseconds;
        var keepsAlive = true;
        while (keepsAlive && await ReadRequestAsync(stop).ConfigureAwait(false)) keepsAlive = await AnswerAsync(stop).ConfigureAwait(false);
        socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>False when the client is done or is not worth another answer.</summary>
    private async Task<bool> ReadRequestAsync(CancellationToken stop)
    {
        _head.Reset();
        while (true)
        {
            if (_begin < _end)
            {
                var status = Parser.Parse(_head, _input.AsSpan(_begin, _end - _begin), out var consumed);
                _begin += consumed;
                if (status == ParseStatus.Complete) return await SkipBodyAsync(stop).ConfigureAwait(false);
                if (status == ParseStatus.Rejected)
                {
                    using var response = Respond(keepsAlive: false);
                    response.Refuse(_head.Rejection.Status, $"{_head.Rejection.Reason} ({_head.Rejection.Clause})\n");
                    response.Finish();
                    return false;
                }
            }

            if (!await ReceiveAsync(stop).ConfigureAwait(false)) return false;
        }
    }

    private async Task<bool> SkipBodyAsync(CancellationToken stop)
    {
        _body.Reset();
        _body.Start(_head, Http1Limits.Default);
        while (!_body.IsComplete)
        {
            if (_begin == _end && !await ReceiveAsync(stop).ConfigureAwait(false)) return false;
            var step = _body.Decode(_input.AsSpan(_begin, _end - _begin));
            _begin += step.Consumed;
            if (step.Status == BodyStatus.Rejected || _body.PayloadOctets > MaxBody) return false;
        }

        return true;
    }

    private async Task<bool> ReceiveAsync(CancellationToken stop)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var timer = time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), deadline, IdleTimeout, Timeout.InfiniteTimeSpan);
        _begin = 0;
        _end = await socket.ReceiveAsync(_input, deadline.Token).ConfigureAwait(false);
        return _end > 0;
    }

    private async Task<bool> AnswerAsync(CancellationToken stop)
    {
        var begin = time.GetUtcNow();
        var started = time.GetTimestamp();
        using var response = Respond(_head.KeepAlive);
        if (Refusal() is { } refusal)
        {
            response.Refuse(refusal.Status, refusal.Reason);
        }
        else
        {
            var request = AdminRequest.Read(
                _head.Method == RequestMethod.Post, Encoding.UTF8.GetString(_head.Path), Encoding.UTF8.GetString(_head.Query));
            if (request.IsPost) log.Info($"{socket.RemoteEndPoint} asked for {Encoding.UTF8.GetString(_head.PathAndQuery)}");
            await site.AnswerAsync(request, response, stop).ConfigureAwait(false);
        }

        response.Finish();
        accessLogs?.Write(new AdminExchange(_head, response, socket.RemoteEndPoint, socket.LocalEndPoint, time, begin, started));
        return response.KeepsAlive;
    }

    private (int Status, string Reason)? Refusal()
    {
        if (_head.Method is not (RequestMethod.Get or RequestMethod.Head or RequestMethod.Post))
            return (405, "Only GET, HEAD and POST are served.\n");
        if (isLoopback && !IsLocalName(_head.Host))
            return (403, "The Host header names another machine; use localhost or an address.\n");
        if (_head.Method == RequestMethod.Post && _head.Headers.TryGet("origin"u8, out var origin) && !IsOwnOrigin(origin))
            return (403, "A page of another site may not give commands.\n");
        return null;
    }

    private static bool IsLocalName(ReadOnlySpan<byte> host)
    {
        if (host.IsEmpty || host.SequenceEqual("localhost"u8) || host.EndsWith(".localhost"u8)) return true;
        return IPAddress.TryParse(Encoding.ASCII.GetString(host).Trim('[', ']'), out _);
    }

    private bool IsOwnOrigin(ReadOnlySpan<byte> origin) =>
        origin.StartsWith("http://"u8) && origin[7..].SequenceEqual(_head.LowerAuthority);

    private AdminResponse Respond(bool keepsAlive) => new(
        Send, _head.Protocol == HttpProtocol.Http11, keepsAlive, _head.Method == RequestMethod.Head,
        time.GetUtcNow().ToString("R", CultureInfo.InvariantCulture));

    private void Send(ReadOnlyMemory<byte> bytes)
    {
        var rest = bytes.Span;
        while (!rest.IsEmpty) rest = rest[socket.Send(rest)..];
    }
}
