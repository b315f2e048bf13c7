using System.Runtime.CompilerServices;

namespace Lateen.Net.Tls;

/// <summary>Makes TLS of a connection. What a peer does wrong is a value; on the reactor's thread.</summary>
/// <remarks>
/// From the call on the connection belongs to TLS: on success it lives and ends with the result, on failure it is closed, after the peer was
/// told why. Disposing it while the handshake runs gives the handshake up.
/// </remarks>
public static class TlsHandshake
{
    /// <summary>Waits for the client's greeting and answers it.</summary>
    /// <param name="inner">A connection of which nothing was read, or only what came before TLS; peeking is allowed.</param>
    /// <param name="context">Certificates and parameters.</param>
    /// <param name="timeoutMilliseconds">For the whole handshake. At least 1.</param>
    public static ValueTask<TlsResult> AcceptAsync(TransportConnection inner, TlsServerContext context, long timeoutMilliseconds)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(context);
        ArgumentOutOfRangeException.ThrowIfLessThan(timeoutMilliseconds, 1);
        return RunAsync(inner, context, null, timeoutMilliseconds);
    }

    /// <summary>Greets the server, and judges its certificate.</summary>
    /// <param name="inner">A connection on which nothing was sent, or only what comes before TLS.</param>
    /// <param name="context">Trust and parameters.</param>
    /// <param name="parameters">What this connection has of its own.</param>
    /// <param name="timeoutMilliseconds">For the whole handshake. At least 1.</param>
    public static ValueTask<TlsResult> ConnectAsync(
        TransportConnection inner, TlsClientContext context, TlsClientParameters parameters, long timeoutMilliseconds)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfLessThan(timeoutMilliseconds, 1);
        return RunAsync(inner, context, parameters, timeoutMilliseconds);
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    private static async ValueTask<TlsResult> RunAsync(
        TransportConnection inner, TlsContext context, TlsClientParameters? parameters, long timeoutMilliseconds)
    {
        inner.Reactor.VerifyAccess();
        try
        {
            var connection = TlsConnection.Open(inner, context, parameters, out var failure);
            if (connection is null)
            {
                inner.Dispose();
                return new TlsResult(null, failure);
            }

            connection.ArmHandshake(timeoutMilliseconds);
            while (true)
            {
                var step = connection.ContinueHandshake();
                if (step == TlsStep.Done)
                    return new TlsResult(connection, null);
                if (step == TlsStep.Failed)
                    return new TlsResult(null, connection.Failure);
                if (!await (step == TlsStep.NeedsRead ? connection.ReadableAsync() : connection.WritableAsync()))
                    return GiveUp(connection);
            }
        }
        catch
        {
            // A bug, such as a predicate that throws: it costs this connection and goes on to its owner.
            inner.Abort();
            throw;
        }
    }

    private static TlsResult GiveUp(TlsConnection connection)
    {
        var failure = connection.HasTimedOut
            ? new TlsFailure(TlsFailureCause.TimedOut, "the handshake took too long")
            : new TlsFailure(TlsFailureCause.ClosedLocally, "the connection was closed during the handshake");
        connection.Abort();
        return new TlsResult(null, failure);
    }
}
