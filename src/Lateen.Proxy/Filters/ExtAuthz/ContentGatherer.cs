using Lateen.Http;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>How far gathering is.</summary>
internal enum GatherStatus : byte
{
    /// <summary>More has to come.</summary>
    Wait,

    /// <summary>All of it is there, or as much as may be.</summary>
    Complete,

    /// <summary>There is more than may be.</summary>
    TooLarge,

    /// <summary>The client broke off: <see cref="ContentSource.Failure"/> says how.</summary>
    Broken,
}

/// <summary>
/// Takes a request's content from its client into memory, within a bound, and then gives it again to whoever the request goes to, before what is
/// still to come. Nothing of the content is lost or shown twice.
/// </summary>
/// <remarks>Owned by one exchange, reused.</remarks>
internal sealed class ContentGatherer : ContentSource
{
    /// <summary>Octets kept between two requests.</summary>
    private const int RetainedOctets = 64 * 1024;

    private ContentSource? _client;
    private byte[] _gathered = [];
    private int _length;
    private int _given;

    public ReadOnlyMemory<byte> Gathered => _gathered.AsMemory(0, _length);

    /// <summary>The client has more of it.</summary>
    public bool IsPartial { get; private set; }

    public override HeaderBlock? Trailers => _client!.Trailers;

    public override FailureCause Failure => _client!.Failure;

    public void Begin(ContentSource client)
    {
        _client = client;
        _length = _given = 0;
        IsPartial = false;
    }

    /// <summary>Takes what is there.</summary>
    /// <param name="maxOctets">The bound.</param>
    /// <param name="allowsPartial">More than the bound stays with the client for now; else it is too large.</param>
    public GatherStatus Gather(int maxOctets, bool allowsPartial)
    {
        while (true)
        {
            switch (_client!.Peek(out ReadOnlySpan<byte> payload))
            {
                case ContentStatus.Payload:
                    int room = maxOctets - _length;
                    if (payload.Length > room)
                    {
                        if (!allowsPartial) return GatherStatus.TooLarge;
                        IsPartial = true;
                        payload = payload[..room];
                    }

                    if (payload.Length > _gathered.Length - _length)
                        Array.Resize(ref _gathered, Math.Min(Math.Max(maxOctets, 1), Math.Max(Math.Max(4096, _gathered.Length * 2), _length + payload.Length)));
                    payload.CopyTo(_gathered.AsSpan(_length));
                    _length += payload.Length;
                    _client.Take(payload.Length);
                    if (IsPartial) return GatherStatus.Complete;
                    continue;
                case ContentStatus.Wait when allowsPartial && _length == maxOctets:
                    IsPartial = true;
                    return GatherStatus.Complete;
                case ContentStatus.Wait:
                    return GatherStatus.Wait;
                case ContentStatus.End:
                    return GatherStatus.Complete;
                default:
                    return GatherStatus.Broken;
            }
        }
    }

    public void End()
    {
        _client = null;
        _length = _given = 0;
        // The next exchange may have no content, and then does not begin.
        IsPartial = false;
        if (_gathered.Length > RetainedOctets) _gathered = [];
    }

    public override ContentStatus Peek(out ReadOnlySpan<byte> payload)
    {
        if (_given == _length) return _client!.Peek(out payload);
        payload = _gathered.AsSpan(_given, _length - _given);
        return ContentStatus.Payload;
    }

    public override void Take(int count)
    {
        if (_given == _length) _client!.Take(count);
        else _given += count;
    }
}
