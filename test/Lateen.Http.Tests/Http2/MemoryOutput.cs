namespace Lateen.Http.Tests.Http2;

/// <summary>
/// An output that lends small and odd rooms, as a session with nearly full buffers would, and poisons what is lent, so that nobody relies on what was there.
/// </summary>
internal sealed class MemoryOutput : IHttp2Output
{
    private byte[] _bytes = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>How much more than the minimum is lent.</summary>
    public int Slack { get; set; } = 16 * 1024;

    public int PendingOctets => _end - _start;

    public ReadOnlySpan<byte> Pending => _bytes.AsSpan(_start, _end - _start);

    public Span<byte> GetSpan(int minimumOctets)
    {
        Assert.InRange(minimumOctets, 1, IHttp2Output.MaxRequestedOctets);
        int wanted = minimumOctets + Slack;
        if (_bytes.Length - _end < wanted) Array.Resize(ref _bytes, (_bytes.Length + wanted) * 2);
        return _bytes.AsSpan(_end, wanted);
    }

    public void Advance(int octets) => _end += octets;

    public void Take(int octets)
    {
        _start += octets;
        if (_start != _end) return;
        _start = 0;
        _end = 0;
    }

    public byte[] TakeAll()
    {
        byte[] all = Pending.ToArray();
        Take(all.Length);
        return all;
    }
}
