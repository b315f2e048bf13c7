using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Envoy.Service.Auth.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Http;
using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>Describes a request to an authorization service, as <c>envoy.service.auth.v3.AttributeContext</c>.</summary>
/// <remarks>Immutable. The canonical request is read, the one that goes upstream.</remarks>
internal sealed class AttributeSource
{
    private const int MaxNameOctets = 256;

    /// <summary>Fields of the request that the service sees; null: all.</summary>
    public FieldNames? AllowedFields { get; init; }

    public FieldNames DisallowedFields { get; init; } = FieldNames.None;

    public bool IncludesPeerCertificate { get; init; }

    public bool IncludesTlsSession { get; init; }

    /// <summary>Content goes as bytes, not as a text.</summary>
    public bool PacksAsBytes { get; init; }

    /// <summary>Of dynamic metadata, what the service sees.</summary>
    public ImmutableArray<string> MetadataNamespaces { get; init; } = [];

    public CheckRequest Describe(HttpExchange exchange, ExtAuthzRoute? route, GatheredContent? content)
    {
        ExchangeRecord record = exchange.Record;
        AttributeContext attributes = PeerAttributes.Of(
            ClientOf(record), record.DownstreamLocalAddress, record.DownstreamTls, IncludesPeerCertificate, IncludesTlsSession);
        attributes.Request = new AttributeContext.Types.Request
        {
            Time = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddTicks(record.StartUnixMicroseconds * TimeSpan.TicksPerMicrosecond)),
            Http = DescribeHttp(exchange, content),
        };
        if (route is not null)
        {
            foreach ((string key, string value) in route.ContextExtensions) attributes.ContextExtensions[key] = value;
        }

        foreach (string one in MetadataNamespaces)
        {
            var found = exchange.Metadata[Encoding.UTF8.GetBytes(one)];
            if (found.IsMissing) continue;
            attributes.MetadataContext ??= new Envoy.Config.Core.V3.Metadata();
            attributes.MetadataContext.FilterMetadata[one] = MetadataMessages.ToStruct(found);
        }

        return new CheckRequest { Attributes = attributes };
    }

    private AttributeContext.Types.HttpRequest DescribeHttp(HttpExchange exchange, GatheredContent? content)
    {
        HttpRequestHead request = exchange.Request;
        var http = new AttributeContext.Types.HttpRequest
        {
            Id = exchange.Record.ExchangeId.ToString(CultureInfo.InvariantCulture),
            Method = Text(request.MethodText),
            Path = Text(request.PathAndQuery),
            Host = Text(request.Authority),
            Scheme = request.Scheme == RequestScheme.Https ? "https" : "http",
            Size = request.HasBody ? request.ContentLength : 0,
            Protocol = request.Protocol switch
            {
                HttpProtocol.Http2 => "HTTP/2",
                HttpProtocol.Http10 => "HTTP/1.0",
                _ => "HTTP/1.1",
            },
        };
        AddField(http, ":method"u8, request.MethodText);
        AddField(http, ":path"u8, request.PathAndQuery);
        AddField(http, ":authority"u8, request.Authority);
        AddField(http, ":scheme"u8, request.Scheme == RequestScheme.Https ? "https"u8 : "http"u8);
        for (int i = 0; i < request.Headers.Count; i++) AddField(http, request.Headers[i].Name, request.Headers[i].Value);
        if (content is not { } told) return http;
        http.Headers["x-envoy-auth-partial-body"] = told.IsPartial ? "true" : "false";
        if (PacksAsBytes) http.RawBody = ByteString.CopyFrom(told.Octets.Span);
        else http.Body = Text(told.Octets.Span);
        return http;
    }

    private void AddField(AttributeContext.Types.HttpRequest http, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (name.Length > MaxNameOctets || (AllowedFields is not null && !AllowedFields.Contain(name)) || DisallowedFields.Contain(name)) return;
        string key = Encoding.ASCII.GetString(name).ToLowerInvariant();
        string text = Text(value);
        http.Headers[key] = http.Headers.TryGetValue(key, out string? before) ? before + "," + text : text;
    }

    /// <summary>What is not UTF-8 becomes the replacement character: a message holds texts only.</summary>
    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    /// <summary>The client as far as trusted proxies tell, as in Envoy.</summary>
    private static EndPoint? ClientOf(ExchangeRecord record)
    {
        if (record.DownstreamRemoteAddress is not { } told) return record.DownstreamConnectionAddress;
        bool isConnections = record.DownstreamConnectionAddress is IPEndPoint connection && connection.Address.Equals(told);
        return isConnections ? record.DownstreamConnectionAddress : new IPEndPoint(told, 0);
    }
}
