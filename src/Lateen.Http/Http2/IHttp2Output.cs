namespace Lateen.Http;

/// <summary>
/// Where a <see cref="Http2Connection"/> puts the bytes that go to its peer: the write buffer of the session. The session hands it to
/// the transport once per turn, so that many frames leave in one system call.
/// </summary>
public interface IHttp2Output
{
    /// <summary>The most that <see cref="GetSpan"/> is ever asked for, in octets: the smallest buffer of a reactor's pool holds it.</summary>
    const int MaxRequestedOctets = 4096;

    /// <summary>Contiguous room behind what was accepted so far. It stays the same until <see cref="Advance"/> or another call.</summary>
    /// <param name="minimumOctets">1 to <see cref="MaxRequestedOctets"/>. More may be returned, and is used where it helps.</param>
    Span<byte> GetSpan(int minimumOctets);

    /// <summary>Accepts the first octets of the last span.</summary>
    void Advance(int octets);

    /// <summary>Octets that were accepted and that the transport has not taken. It bounds what a peer who does not read can make us hold.</summary>
    int PendingOctets { get; }
}
