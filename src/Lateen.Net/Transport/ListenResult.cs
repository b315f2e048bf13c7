using System.Diagnostics.CodeAnalysis;

namespace Lateen.Net;

/// <summary>A listener, or why there is none: an address that is taken is for the operator to mend, not an exception.</summary>
/// <param name="Value">What was bound; null on failure.</param>
/// <param name="Error">The cause.</param>
/// <param name="ErrorNumber">The system's number of it.</param>
/// <typeparam name="T">One listener, or the list of a group's.</typeparam>
public readonly record struct ListenResult<T>(T? Value, TransportError Error, int ErrorNumber)
    where T : class
{
    [MemberNotNullWhen(true, nameof(Value))]
    public bool IsBound => Value is not null;
}

/// <summary>A connection, or why there is none.</summary>
/// <param name="Connection">The open connection, the caller's to dispose; null on failure.</param>
/// <param name="Error">The cause.</param>
/// <param name="ErrorNumber">The system's number of it; 0 when it was not the system that failed, as with a timeout of ours.</param>
public readonly record struct ConnectResult(TransportConnection? Connection, TransportError Error, int ErrorNumber)
{
    [MemberNotNullWhen(true, nameof(Connection))]
    public bool IsConnected => Connection is not null;
}
