using System.Text;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Tests.Routing;

/// <summary>An exchange about which header rules may ask.</summary>
internal sealed class ExchangeFacts : IAccessLogRecord
{
    public long StartMicroseconds => 0;

    public ResponseFlags Flags => ResponseFlags.None;

    public long Moment(AccessLogMoment moment) => -1;

    public long Number(AccessLogNumber number) => -1;

    public ReadOnlySpan<byte> Text(AccessLogText text) => Encoding.UTF8.GetBytes(text.ToString());

    public ReadOnlySpan<byte> Address(AccessLogAddress address) => address switch
    {
        AccessLogAddress.DownstreamRemote => "192.0.2.7:4711"u8,
        AccessLogAddress.DownstreamLocal => "[2001:db8::1]:8080"u8,
        _ => default,
    };

    public bool TryGetRequestHeader(AccessLogHeader header, out ReadOnlySpan<byte> value)
    {
        value = header.Name.SequenceEqual("x-user"u8) ? "bob"u8 : default;
        return !value.IsEmpty;
    }

    public bool TryGetResponseHeader(AccessLogHeader header, out ReadOnlySpan<byte> value)
    {
        value = default;
        return false;
    }
}
