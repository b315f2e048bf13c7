using System.Text;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Routing;

/// <summary>
/// A header value that configuration sets: literal text with Envoy's <c>%OPERATOR%</c>s in it, where <c>%%</c> is a percent sign.
/// </summary>
/// <remarks>
/// Immutable. Only operators that can be answered while heads are still being made are known here; the others (durations, byte
/// counts, response flags) have no value at that time and are refused by name.
/// </remarks>
internal sealed class HeaderTemplate
{
    private static readonly Dictionary<string, AccessLogAddress> Addresses = new(StringComparer.Ordinal)
    {
        ["DOWNSTREAM_REMOTE_ADDRESS"] = AccessLogAddress.DownstreamRemote,
        ["DOWNSTREAM_DIRECT_REMOTE_ADDRESS"] = AccessLogAddress.DownstreamDirectRemote,
        ["DOWNSTREAM_LOCAL_ADDRESS"] = AccessLogAddress.DownstreamLocal,
        ["DOWNSTREAM_DIRECT_LOCAL_ADDRESS"] = AccessLogAddress.DownstreamDirectLocal,
        ["UPSTREAM_REMOTE_ADDRESS"] = AccessLogAddress.UpstreamRemote,
        ["UPSTREAM_LOCAL_ADDRESS"] = AccessLogAddress.UpstreamLocal,
        ["UPSTREAM_HOST"] = AccessLogAddress.UpstreamHost,
    };

    private static readonly Dictionary<string, AccessLogText> Texts = new(StringComparer.Ordinal)
    {
        ["PROTOCOL"] = AccessLogText.Protocol,
        ["UPSTREAM_CLUSTER"] = AccessLogText.UpstreamCluster,
        ["UPSTREAM_CLUSTER_RAW"] = AccessLogText.UpstreamClusterRaw,
        ["UPSTREAM_HOST_NAME"] = AccessLogText.UpstreamHostName,
        ["REQUESTED_SERVER_NAME"] = AccessLogText.RequestedServerName,
        ["ROUTE_NAME"] = AccessLogText.RouteName,
        ["VIRTUAL_CLUSTER_NAME"] = AccessLogText.VirtualClusterName,
        ["FILTER_CHAIN_NAME"] = AccessLogText.FilterChainName,
        ["STREAM_ID"] = AccessLogText.StreamId,
        ["TRACE_ID"] = AccessLogText.TraceId,
        ["SPAN_ID"] = AccessLogText.SpanId,
    };

    private static readonly Dictionary<string, AccessLogText> PseudoHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        [":method"] = AccessLogText.Method,
        [":path"] = AccessLogText.Path,
        [":authority"] = AccessLogText.Authority,
        [":scheme"] = AccessLogText.Scheme,
        ["host"] = AccessLogText.Authority,
    };

    private readonly Part[] _parts;

    private HeaderTemplate(Part[] parts) => _parts = parts;

    private enum AddressForm
    {
        Whole,
        WithoutPort,
        PortOnly,
    }

    /// <summary>The value when nothing in it depends on the request; null otherwise.</summary>
    public byte[]? Literal => _parts is [LiteralPart only] ? only.Bytes : _parts.Length == 0 ? [] : null;

    public static HeaderTemplate? TryParse(string text, out string error)
    {
        error = string.Empty;
        var parts = new List<Part>();
        var literal = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                literal.Append(text[i]);
                continue;
            }

            if (i + 1 < text.Length && text[i + 1] == '%')
            {
                literal.Append('%');
                i++;
                continue;
            }

            var end = text.IndexOf('%', i + 1);
            if (end < 0)
            {
                error = $"the operator that begins at position {i + 1} has no closing '%' (write '%%' for a percent sign)";
                return null;
            }

            if (ParseOperator(text[(i + 1)..end], out error) is not { } part) return null;
            Flush(literal, parts);
            parts.Add(part);
            i = end;
        }

        Flush(literal, parts);
        return new HeaderTemplate([.. parts]);
    }

    /// <summary>Appends the value for one exchange. An operator without a value adds nothing, as in Envoy's headers.</summary>
    public void Write(IAccessLogRecord exchange, ref ByteBuilder output)
    {
        foreach (var part in _parts) part.Write(exchange, ref output);
    }

    private static void Flush(StringBuilder literal, List<Part> parts)
    {
        if (literal.Length == 0) return;
        parts.Add(new LiteralPart(Encoding.UTF8.GetBytes(literal.ToString())));
        literal.Clear();
    }

    private static Part? ParseOperator(string text, out string error)
    {
        error = string.Empty;
        var open = text.IndexOf('(', StringComparison.Ordinal);
        var name = open < 0 ? text : text[..open];
        if (open >= 0)
        {
            if (name == "REQ" && text.EndsWith(')')) return RequestHeader(text[(open + 1)..^1], out error);
            error = $"the operator %{name}(...)% is not supported in header values";
            return null;
        }

        if (Texts.TryGetValue(name, out var known)) return new TextPart(known);
        var form = AddressForm.Whole;
        if (name.EndsWith("_WITHOUT_PORT", StringComparison.Ordinal)) (name, form) = (name[..^13], AddressForm.WithoutPort);
        else if (name.EndsWith("_PORT", StringComparison.Ordinal)) (name, form) = ($"{name[..^5]}_ADDRESS", AddressForm.PortOnly);
        if (Addresses.TryGetValue(name, out var address)) return new AddressPart(address, form);
        error = $"the operator %{text}% is not supported in header values";
        return null;
    }

    private static RequestHeaderPart? RequestHeader(string argument, out string error)
    {
        error = string.Empty;
        var alternative = argument.IndexOf('?', StringComparison.Ordinal);
        var first = alternative < 0 ? argument : argument[..alternative];
        var second = alternative < 0 ? null : argument[(alternative + 1)..];
        if (first.Length == 0 || second?.Length == 0 || argument.Contains(':', StringComparison.Ordinal) && !IsKnownPseudo(first) && !IsKnownPseudo(second))
        {
            error = $"%REQ({argument})% needs a header name";
            return null;
        }

        return new RequestHeaderPart(Subject(first), second is null ? null : Subject(second));
    }

    private static bool IsKnownPseudo(string? name) => name is not null && PseudoHeaders.ContainsKey(name);

    private static (AccessLogText? Pseudo, AccessLogHeader? Header) Subject(string name) =>
        PseudoHeaders.TryGetValue(name, out var pseudo) ? (pseudo, null) : (null, new AccessLogHeader(name));

    private abstract class Part
    {
        public abstract void Write(IAccessLogRecord exchange, ref ByteBuilder output);
    }

    private sealed class LiteralPart(byte[] bytes) : Part
    {
        public byte[] Bytes => bytes;

        public override void Write(IAccessLogRecord exchange, ref ByteBuilder output) => output.Append(bytes);
    }

    private sealed class TextPart(AccessLogText text) : Part
    {
        public override void Write(IAccessLogRecord exchange, ref ByteBuilder output) => output.Append(exchange.Text(text));
    }

    private sealed class AddressPart(AccessLogAddress address, AddressForm form) : Part
    {
        public override void Write(IAccessLogRecord exchange, ref ByteBuilder output)
        {
            var text = exchange.Address(address);
            var colon = text.LastIndexOf((byte)':');
            if (form == AddressForm.Whole || colon < 0)
            {
                if (form != AddressForm.PortOnly) output.Append(text);
                return;
            }

            if (form == AddressForm.PortOnly)
            {
                output.Append(text[(colon + 1)..]);
                return;
            }

            // Envoy prints a bare IPv6 address without the brackets that only the port needs.
            var host = text[..colon];
            output.Append(host is [(byte)'[', .., (byte)']'] ? host[1..^1] : host);
        }
    }

    private sealed class RequestHeaderPart(
        (AccessLogText? Pseudo, AccessLogHeader? Header) first, (AccessLogText? Pseudo, AccessLogHeader? Header)? second) : Part
    {
        public override void Write(IAccessLogRecord exchange, ref ByteBuilder output)
        {
            if (!TryWrite(first, exchange, ref output) && second is { } other) TryWrite(other, exchange, ref output);
        }

        private static bool TryWrite((AccessLogText? Pseudo, AccessLogHeader? Header) subject, IAccessLogRecord exchange, ref ByteBuilder output)
        {
            ReadOnlySpan<byte> value;
            if (subject.Pseudo is { } pseudo) value = exchange.Text(pseudo);
            else if (!exchange.TryGetRequestHeader(subject.Header!, out value)) return false;
            output.Append(value);
            return !value.IsEmpty;
        }
    }
}
