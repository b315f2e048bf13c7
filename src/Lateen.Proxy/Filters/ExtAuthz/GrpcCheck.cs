using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Google.Protobuf;
using Grpc.Core;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.ControlPlane;
using Lateen.Proxy.Forwarding.SubRequests;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>The call <c>envoy.service.auth.v3.Authorization/Check</c>, whatever it is about: a request or a connection.</summary>
/// <remarks>Immutable. Messages are objects, so asking allocates.</remarks>
internal sealed class GrpcCheck
{
    private const int PrefixOctets = 5;
    private static readonly byte[] Path = "/envoy.service.auth.v3.Authorization/Check"u8.ToArray();

    /// <summary>Envoy's, of a gRPC service without a timeout.</summary>
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMilliseconds(200);

    private readonly byte[] _authority;
    private readonly ImmutableArray<(HeaderName Name, byte[] Value)> _addedFields;

    private GrpcCheck(string cluster, long timeoutMilliseconds, byte[] authority, ImmutableArray<(HeaderName Name, byte[] Value)> addedFields)
    {
        Cluster = cluster;
        TimeoutMilliseconds = timeoutMilliseconds;
        _authority = authority;
        _addedFields = addedFields;
    }

    /// <summary>The cluster that the service is behind.</summary>
    public string Cluster { get; }

    /// <summary>From the question to the end of the answer. Milliseconds.</summary>
    public long TimeoutMilliseconds { get; }

    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static GrpcCheck? Compile(GrpcService service, FieldPath path, ConfigurationErrors errors)
    {
        int errorsBefore = errors.Count;
        string cluster = service.EnvoyGrpc?.ClusterName ?? string.Empty;
        if (cluster.Length == 0) errors.Add(path.Field("envoy_grpc").Field("cluster_name"), "is required");
        string authority = service.EnvoyGrpc is { Authority.Length: > 0 } named ? named.Authority : cluster[(cluster.LastIndexOf('|') + 1)..];
        bool isValid = AuthorityText.IsValid(Encoding.UTF8.GetBytes(authority));
        if (!isValid && service.EnvoyGrpc is { Authority.Length: > 0 }) errors.Add(path.Field("envoy_grpc").Field("authority"), $"'{authority}' is not a host");
        TimeSpan timeout = ProtoValues.Positive(service.Timeout, DefaultTimeout, path.Field("timeout"), errors);
        ImmutableArray<(HeaderName, byte[])> added = ExtAuthzCompiler.CompileFields(service.InitialMetadata, path.Field("initial_metadata"), errors);
        // A cluster's name need not be a host; who cares for the authority names one.
        return errors.Count > errorsBefore
            ? null
            : new GrpcCheck(cluster, ExtAuthzCompiler.MillisecondsOf(timeout), Encoding.UTF8.GetBytes(isValid ? authority : "ext-authz"), added);
    }

    /// <summary>Writes the head of the call.</summary>
    /// <returns>Its content.</returns>
    public ReadOnlyMemory<byte> Write(SubRequest question, CheckRequest request)
    {
        HttpRequestHead head = question.Prepare();
        head.SetMethod(RequestMethod.Post);
        head.SetAuthority(_authority);
        head.SetPathAndQuery(Path);
        head.AcceptsTrailers = true;
        head.Headers.Add(KnownHeader.ContentType, "application/grpc"u8);
        WriteTimeout(head.Headers);
        foreach ((HeaderName name, byte[] value) in _addedFields) head.Headers.Set(name, value);

        int size = request.CalculateSize();
        byte[] frame = new byte[PrefixOctets + size];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), size);
        request.WriteTo(frame.AsSpan(PrefixOctets));
        return frame;
    }

    /// <summary>Reads an answer that came whole.</summary>
    /// <returns>Null when it is none that can be understood, or the service says that it has none.</returns>
    public static CheckResponse? Read(SubRequest question)
    {
        HttpResponseHead head = question.Response;
        if (GrpcResponseStatus.OfHead(head) is not null) return null;
        Status status = GrpcResponseStatus.OfTrailers(question.Trailers ?? head.Headers);
        if (status.StatusCode != StatusCode.OK) return null;
        ReadOnlySpan<byte> body = question.Body;
        // Exactly one message, not compressed, which was not asked for.
        if (body.Length < PrefixOctets || body[0] != 0 || BinaryPrimitives.ReadUInt32BigEndian(body[1..]) != (uint)(body.Length - PrefixOctets)) return null;
        try
        {
            var response = CheckResponse.Parser.ParseFrom(body[PrefixOctets..]);
            return response.HttpResponseCase == CheckResponse.HttpResponseOneofCase.ErrorResponse ? null : response;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>grpc-timeout: at most eight digits and a unit (gRPC over HTTP/2, "Requests").</summary>
    private void WriteTimeout(HeaderBlock headers)
    {
        Span<byte> text = stackalloc byte[24];
        bool isInSeconds = TimeoutMilliseconds > 99_999_999;
        if (!System.Buffers.Text.Utf8Formatter.TryFormat(isInSeconds ? TimeoutMilliseconds / 1000 : TimeoutMilliseconds, text, out int length)) return;
        text[length++] = isInSeconds ? (byte)'S' : (byte)'m';
        headers.Set(KnownHeader.GrpcTimeout, text[..length]);
    }
}
