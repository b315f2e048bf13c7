using Envoy.Config.Core.V3;
using Lateen.Xds;

namespace Lateen.Proxy.Configuration;

/// <summary>Transport sockets that configuration may name: plain TCP, which is also what it gets without naming one.</summary>
internal static class TransportSockets
{
    private const string RawBuffer = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";

    public static void Check(TransportSocket? socket, FieldPath path, ConfigurationErrors errors)
    {
        if (socket is null || (socket.TypedConfig is null && socket.Name == "envoy.transport_sockets.raw_buffer")) return;
        if (XdsTypeRegistry.TypeNameOf(socket.TypedConfig?.TypeUrl ?? string.Empty) == RawBuffer) return;
        errors.Add(path, $"the transport socket '{socket.Name}' of type '{socket.TypedConfig?.TypeUrl}' is not supported; only raw_buffer is");
    }
}
