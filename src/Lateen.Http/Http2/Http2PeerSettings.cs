using System.Buffers.Binary;

namespace Lateen.Http;

/// <summary>Settings of RFC 9113 section 6.5.2, RFC 8441 section 3 and RFC 9218 section 2.1. Others are ignored.</summary>
internal enum Http2Setting : ushort
{
    HeaderTableSize = 1,
    EnablePush = 2,
    MaxConcurrentStreams = 3,
    InitialWindowSize = 4,
    MaxFrameSize = 5,
    MaxHeaderListSize = 6,
    EnableConnectProtocol = 8,
    NoRfc7540Priorities = 9,
}

/// <summary>What the peer has told us about itself, with the initial values until it has.</summary>
internal struct Http2PeerSettings()
{
    internal int HeaderTableSize = 4096;

    /// <summary>The least that the last payload said on its way to <see cref="HeaderTableSize"/>: an encoder must have been so small once (RFC 7541 section 4.2).</summary>
    internal int LeastHeaderTableSize = 4096;
    internal uint MaxConcurrentStreams = uint.MaxValue;
    internal int InitialWindowSize = 65_535;
    internal uint MaxHeaderListSize = uint.MaxValue;
    internal bool EnableConnectProtocol;

    /// <summary>Applies a SETTINGS payload, entry by entry in its order.</summary>
    /// <param name="isFromServer">A server must not enable push (section 6.5.2), and cannot take extended CONNECT back (RFC 8441 section 3).</param>
    internal Http2Violation Apply(ReadOnlySpan<byte> payload, bool isFromServer)
    {
        LeastHeaderTableSize = HeaderTableSize;
        for (; payload.Length >= 6; payload = payload[6..])
        {
            uint value = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
            switch ((Http2Setting)BinaryPrimitives.ReadUInt16BigEndian(payload))
            {
                case Http2Setting.HeaderTableSize:
                    HeaderTableSize = (int)Math.Min(value, int.MaxValue);
                    LeastHeaderTableSize = Math.Min(LeastHeaderTableSize, HeaderTableSize);
                    break;
                case Http2Setting.EnablePush:
                    if (value > 1 || (isFromServer && value == 1)) return Http2Violation.SettingsValueInvalid;
                    break;
                case Http2Setting.MaxConcurrentStreams:
                    MaxConcurrentStreams = value;
                    break;
                case Http2Setting.InitialWindowSize:
                    if (value > int.MaxValue) return Http2Violation.SettingsWindowTooLarge;
                    InitialWindowSize = (int)value;
                    break;
                case Http2Setting.MaxFrameSize:
                    // We send no frame above the least that a peer may demand, so a legal value changes nothing.
                    if (value is < Http2FrameHeader.MaxPayloadOctets or > 16_777_215) return Http2Violation.SettingsValueInvalid;
                    break;
                case Http2Setting.MaxHeaderListSize:
                    MaxHeaderListSize = value;
                    break;
                case Http2Setting.EnableConnectProtocol:
                    if (value > 1 || (isFromServer && EnableConnectProtocol && value == 0)) return Http2Violation.SettingsValueInvalid;
                    EnableConnectProtocol = value == 1;
                    break;
                case Http2Setting.NoRfc7540Priorities:
                    if (value > 1) return Http2Violation.SettingsValueInvalid;
                    break;
            }
        }

        return Http2Violation.None;
    }
}
