using Envoy.Config.Listener.V3;
using Google.Protobuf;
using Lateen.Net.Tls;
using Lateen.Proxy.ProxyProtocol;
using Lateen.Xds;
using ProtoVersion = Envoy.Config.Core.V3.ProxyProtocolConfig.Types.Version;
using ProxyProtocolMessage = Envoy.Extensions.Filters.Listener.ProxyProtocol.V3.ProxyProtocol;
using TlsInspectorMessage = Envoy.Extensions.Filters.Listener.TlsInspector.V3.TlsInspector;

namespace Lateen.Proxy.Configuration;

/// <summary>Compiles a listener's <c>listener_filters</c>.</summary>
internal sealed class ListenerFilterCompiler(ConfigurationErrors errors)
{
    private const string ProxyProtocolName = "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol";
    private const string TlsInspectorName = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
    private const string HttpInspectorName = "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector";

    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(15);

    public ListenerFilters Compile(Listener listener, FieldPath path)
    {
        var compiled = new ListenerFilters
        {
            Timeout = ProtoValues.Timeout(listener.ListenerFiltersTimeout, DefaultTimeout, path.Field("listener_filters_timeout"), errors),
            ContinueOnTimeout = listener.ContinueOnListenerFiltersTimeout,
        };
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < listener.ListenerFilters.Count; i++)
        {
            var filter = listener.ListenerFilters[i];
            var filterPath = path.Field("listener_filters").At(i);
            var type = XdsTypeRegistry.TypeNameOf(filter.TypedConfig?.TypeUrl ?? string.Empty);
            if (filter.TypedConfig is not null && !seen.Add(type)) errors.Add(filterPath, $"there is another listener filter of type {type}");
            switch (type)
            {
                case ProxyProtocolName:
                    if (compiled.Inspects) errors.Add(filterPath, "must stand before the inspectors: its header comes before the bytes that they look at");
                    compiled = compiled with { ProxyProtocol = ProxyProtocolOf(filter, filterPath.Field("typed_config")) };
                    break;
                case TlsInspectorName:
                    compiled = compiled with { TlsInspector = TlsInspectorOf(filter, filterPath.Field("typed_config")) };
                    break;
                case HttpInspectorName:
                    compiled = compiled with { HttpInspector = true };
                    break;
                default:
                    errors.Add(filterPath, filter.TypedConfig is null
                        ? $"the listener filter '{filter.Name}' needs a typed_config that says what it is"
                        : $"the listener filter '{filter.Name}' of type '{filter.TypedConfig.TypeUrl}' is not supported (supported: {HttpInspectorName}, {ProxyProtocolName}, {TlsInspectorName})");
                    break;
            }
        }

        return compiled;
    }

    private ProxyProtocolOptions? ProxyProtocolOf(ListenerFilter filter, FieldPath path)
    {
        if (Read(ProxyProtocolMessage.Parser, filter, path) is not { } message) return null;
        var disallowed = new List<ProxyProtocolVersion>();
        for (var i = 0; i < message.DisallowedVersions.Count; i++)
        {
            switch (message.DisallowedVersions[i])
            {
                case ProtoVersion.V1: disallowed.Add(ProxyProtocolVersion.V1); break;
                case ProtoVersion.V2: disallowed.Add(ProxyProtocolVersion.V2); break;
                default: errors.Add(path.Field("disallowed_versions").At(i), $"{(int)message.DisallowedVersions[i]} is not a known value"); break;
            }
        }

        if (disallowed.Contains(ProxyProtocolVersion.V1) && disallowed.Contains(ProxyProtocolVersion.V2) && !message.AllowRequestsWithoutProxyProtocol)
            errors.Add(path.Field("disallowed_versions"), "names every version, so no connection could ever be served");
        return new ProxyProtocolOptions(!message.AllowRequestsWithoutProxyProtocol, disallowed);
    }

    private TlsInspectorOptions? TlsInspectorOf(ListenerFilter filter, FieldPath path)
    {
        if (Read(TlsInspectorMessage.Parser, filter, path) is not { } message) return null;
        if (message.MaxClientHelloSize is > ClientHelloParser.MaxBytes)
            errors.Add(path.Field("max_client_hello_size"), $"must be at most {ClientHelloParser.MaxBytes}");
        // initial_read_buffer_size is advice on memory; bytes are looked at where they are here.
        return new TlsInspectorOptions((int)(message.MaxClientHelloSize ?? ClientHelloParser.MaxBytes), message.CloseConnectionOnClientHelloParsingErrors);
    }

    private T? Read<T>(MessageParser<T> parser, ListenerFilter filter, FieldPath path)
        where T : class, IMessage<T>
    {
        try
        {
            return parser.ParseFrom(filter.TypedConfig.Value);
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(path, $"is not a valid message: {fault.Message}");
            return null;
        }
    }
}
