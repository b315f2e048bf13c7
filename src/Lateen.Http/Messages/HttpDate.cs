using System.Buffers.Text;

namespace Lateen.Http;

/// <summary>
/// The current time as a Date field value, IMF-fixdate of RFC 9110 section 5.6.7 (<c>Sun, 06 Nov 1994 08:49:37 GMT</c>), formatted at most
/// once per second. One per reactor: not for use by several threads.
/// </summary>
public sealed class HttpDate
{
    /// <summary>Octets of an IMF-fixdate, always.</summary>
    public const int Length = 29;

    private readonly TimeProvider _clock;
    private readonly byte[] _text = new byte[Length];
    private long _second = long.MinValue;

    /// <summary>A date that reads this clock.</summary>
    public HttpDate(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        _clock = clock;
    }

    /// <summary>The date now. Reads the clock on each call; the bytes stay valid until the second changes.</summary>
    public ReadOnlySpan<byte> Now
    {
        get
        {
            DateTimeOffset now = _clock.GetUtcNow();
            long second = now.UtcTicks / TimeSpan.TicksPerSecond;
            if (second != _second)
            {
                _second = second;
                Utf8Formatter.TryFormat(now, _text, out _, 'R');
            }

            return _text;
        }
    }

    /// <summary>The date as of the last <see cref="Now"/>, without reading the clock: for a reactor that calls <see cref="Now"/> on a timer of one second.</summary>
    public ReadOnlySpan<byte> Cached => _second == long.MinValue ? Now : _text;
}
