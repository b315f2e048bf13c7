namespace Lateen.Net.Tls;

/// <summary>What a client speaks TLS with, and the sessions that it may resume. See <see cref="TlsContext"/> for its lifetime.</summary>
public sealed class TlsClientContext : TlsContext
{
    private TlsClientContext(TlsContextHandle handle, TlsClientOptions options)
        : base(handle, options, new PeerVerifier(options.Verification))
    {
    }

    /// <summary>Sessions held for resumption, over all server names.</summary>
    public int SessionCount => Handle.Sessions?.Count ?? 0;

    internal ClientSessionCache? Sessions => Handle.Sessions;

    /// <inheritdoc cref="TlsServerContext.Create"/>
    public static TlsContextResult<TlsClientContext> Create(TlsClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var handle = TlsContextBuilder.BuildClient(options, out var error);
        return handle is null ? new(null, error) : new(new TlsClientContext(handle, options), null);
    }
}
