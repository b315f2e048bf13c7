using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Lateen.Identity.V1;
using Lateen.Xds;
using Lateen.Xds.Schema;
using Lateen.Xds.Wire;

namespace Lateen.Proxy.Tls;

/// <summary>Takes out of a configuration what must not be shown: private keys, their passwords, session ticket keys, join tokens. Names of files stay.</summary>
internal static class SecretRedaction
{
    private const string Redacted = "[redacted]";

    private const string IdentityName = "lateen.identity.v1.WorkloadIdentity";

    private const string TlsPackage = "envoy.extensions.transport_sockets.tls.v3.";

    /// <summary>Occurs in every resource that holds a TLS context, which is packed with its type.</summary>
    private static ReadOnlySpan<byte> TlsTypes => "envoy.extensions.transport_sockets.tls.v3."u8;

    /// <summary>A copy without secrets.</summary>
    /// <param name="typeName">Full name of <typeparamref name="T"/> in its .proto file.</param>
    public static T Of<T>(string typeName, T message)
        where T : IMessage<T>, new()
    {
        var copy = new T();
        copy.MergeFrom(NestedMessages.Rewrite(ProtoSchema.Default.Get(typeName), message.ToByteArray(), Redact));
        return copy;
    }

    /// <summary>Serialised, as resources are kept: the same bytes when they hold nothing to hide.</summary>
    public static ByteString Of(ByteString body, string typeUrl)
    {
        string typeName = XdsTypeRegistry.TypeNameOf(typeUrl);
        bool mayHoldSecrets = typeName == IdentityName || typeName.StartsWith(TlsPackage, StringComparison.Ordinal) || body.Span.IndexOf(TlsTypes) >= 0;
        if (!mayHoldSecrets || !XdsTypeRegistry.Default.TryFind(typeUrl, out var type)) return body;
        return UnsafeByteOperations.UnsafeWrap(NestedMessages.Rewrite(type, body.Span, Redact));
    }

    private static byte[]? Redact(string typeName, ReadOnlySpan<byte> message)
    {
        switch (typeName)
        {
            case "envoy.extensions.transport_sockets.tls.v3.TlsCertificate":
                var certificate = TlsCertificate.Parser.ParseFrom(message);
                Hide(certificate.PrivateKey);
                Hide(certificate.Password);
                return certificate.ToByteArray();
            case "envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys":
                var tickets = TlsSessionTicketKeys.Parser.ParseFrom(message);
                foreach (var key in tickets.Keys) Hide(key);
                return tickets.ToByteArray();
            case IdentityName:
                var identity = WorkloadIdentity.Parser.ParseFrom(message);
                Hide(identity.JoinToken);
                return identity.ToByteArray();
            default:
                return null;
        }
    }

    private static void Hide(DataSource? source)
    {
        if (source is { SpecifierCase: DataSource.SpecifierOneofCase.InlineString or DataSource.SpecifierOneofCase.InlineBytes }) source.InlineString = Redacted;
    }
}
