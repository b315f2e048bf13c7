using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Lateen.Identity.V1;
using Lateen.Xds;

namespace Lateen.Proxy.Tls;

/// <summary>Takes out of a configuration what must not be shown: private keys, their passwords, session ticket keys, join tokens. Names of files stay.</summary>
internal static class SecretRedaction
{
    private const string Redacted = "[redacted]";

    /// <summary>Occurs in every resource that holds a TLS context, which is packed with its type.</summary>
    private static ReadOnlySpan<byte> TlsTypes => "envoy.extensions.transport_sockets.tls.v3."u8;

    /// <summary>A copy without secrets.</summary>
    public static T Of<T>(T message)
        where T : IMessage<T>
    {
        var copy = message.Clone();
        Redact(copy);
        return copy;
    }

    /// <summary>Serialised, as resources are kept: the same bytes when they hold nothing to hide.</summary>
    public static ByteString Of(ByteString body, string typeUrl)
    {
        if ((body.Span.IndexOf(TlsTypes) < 0 && XdsTypeRegistry.TypeNameOf(typeUrl) != WorkloadIdentity.Descriptor.FullName) || !XdsTypeRegistry.Default.TryFind(typeUrl, out var type)) return body;
        var message = type.Parser.ParseFrom(body);
        Redact(message);
        return message.ToByteString();
    }

    private static void Redact(IMessage message)
    {
        switch (message)
        {
            case TlsCertificate certificate:
                Hide(certificate.PrivateKey);
                Hide(certificate.Password);
                return;
            case TlsSessionTicketKeys tickets:
                foreach (var key in tickets.Keys) Hide(key);
                return;
            case WorkloadIdentity identity:
                Hide(identity.JoinToken);
                return;
            case Any packed:
                packed.Value = Of(packed.Value, packed.TypeUrl);
                return;
        }

        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.IsMap || field.FieldType is not FieldType.Message) continue;
            switch (field.Accessor.GetValue(message))
            {
                case System.Collections.IList list:
                    foreach (IMessage item in list) Redact(item);
                    break;
                case IMessage inner:
                    Redact(inner);
                    break;
            }
        }
    }

    private static void Hide(DataSource? source)
    {
        if (source is { SpecifierCase: DataSource.SpecifierOneofCase.InlineString or DataSource.SpecifierOneofCase.InlineBytes }) source.InlineString = Redacted;
    }
}
