using Lateen.Http;

namespace Lateen.Proxy.ControlPlane;

/// <summary>What waits for the socket. Grows with what is sent at once and shrinks again when it is empty: a control plane's stream is silent most of the time.</summary>
internal sealed class GrpcOutput : IHttp2Output
{
    private const int RetainedOctets = 8 * 1024;

    private byte[] _octets = [];
    private int _start;
    private int _end;

    public int PendingOctets => _end - _start;

    public ReadOnlySpan<byte> Pending => _octets.AsSpan(_start, _end - _start);

    public Span<byte> GetSpan(int minimumOctets)
    {
        if (_octets.Length - _end < minimumOctets)
        {
            byte[] target = new byte[Math.Max(RetainedOctets, (PendingOctets + minimumOctets) * 2)];
            Pending.CopyTo(target);
            _end = PendingOctets;
            _start = 0;
            _octets = target;
        }

        return _octets.AsSpan(_end);
    }

    public void Advance(int octets) => _end += octets;

    public void Take(int octets)
    {
        _start += octets;
        if (_start < _end) return;
        _start = 0;
        _end = 0;
        if (_octets.Length > RetainedOctets) _octets = [];
    }
}
