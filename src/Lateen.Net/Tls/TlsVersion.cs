namespace Lateen.Net.Tls;

/// <summary>Versions of the protocol that are spoken, by their number on the wire. Older ones are forbidden by RFC 8996.</summary>
public enum TlsVersion
{
    /// <summary>RFC 5246.</summary>
    Tls12 = 0x0303,

    /// <summary>RFC 8446.</summary>
    Tls13 = 0x0304,
}
