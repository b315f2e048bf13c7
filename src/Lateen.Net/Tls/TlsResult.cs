using System.Diagnostics.CodeAnalysis;

namespace Lateen.Net.Tls;

/// <summary>A connection whose handshake is done, or why there is none.</summary>
/// <param name="Connection">The open connection, the caller's to dispose; null on failure.</param>
/// <param name="Failure">The cause; null on success.</param>
public readonly record struct TlsResult(TlsConnection? Connection, TlsFailure? Failure)
{
    [MemberNotNullWhen(true, nameof(Connection))]
    [MemberNotNullWhen(false, nameof(Failure))]
    public bool IsEstablished => Connection is not null;
}
