using System.Collections.Immutable;
using Google.Protobuf.WellKnownTypes;
using Lateen.Http;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.SubRequests;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>
/// An authorization service that speaks HTTP: it is sent the request's method, path and some of its headers, and answers 200 for yes, any other
/// status below 500 for no (<c>http_service</c>).
/// </summary>
/// <remarks>Immutable.</remarks>
internal sealed class HttpAuthorizationService : AuthorizationService
{

    /// <summary>Host of the service, as its URI names it.</summary>
    public required byte[] Authority { get; init; }

    public bool IsTls { get; init; }

    /// <summary>Put before the request's path.</summary>
    public required byte[] PathPrefix { get; init; }

    /// <summary>Fields of the request that the service sees.</summary>
    public required FieldNames AllowedRequestFields { get; init; }

    public required FieldNames DisallowedRequestFields { get; init; }

    public required ImmutableArray<(HeaderName Name, byte[] Value)> AddedRequestFields { get; init; }

    /// <summary>Fields of a yes that the server behind us gets, in the place of the client's.</summary>
    public required FieldNames UpstreamFields { get; init; }

    /// <summary>As <see cref="UpstreamFields"/>, beside the client's.</summary>
    public required FieldNames AppendedUpstreamFields { get; init; }

    /// <summary>Fields of a no that the client gets; null: all of them.</summary>
    public required FieldNames? ClientFields { get; init; }

    /// <summary>Fields of a yes that the client gets.</summary>
    public required FieldNames ClientFieldsOnSuccess { get; init; }

    /// <summary>Fields of a yes that become dynamic metadata.</summary>
    public required FieldNames MetadataFields { get; init; }

    /// <summary>A CONNECT has no path, and as a GET in its place it would be another question: a service that lets everybody read would open a tunnel.</summary>
    public override bool CanJudgeConnect => false;

    public override ReadOnlyMemory<byte> Ask(HttpExchange exchange, ExtAuthzRoute? route, SubRequest question, GatheredContent? content)
    {
        HttpRequestHead request = exchange.Request;
        HttpRequestHead head = question.Prepare();
        head.Scheme = IsTls ? RequestScheme.Https : RequestScheme.Http;
        head.SetMethod(request.Method, request.MethodText);
        // As in Envoy the service sees the client's host: it decides by it.
        head.SetAuthority(request.Authority.IsEmpty ? Authority : request.Authority);
        SetTarget(head, request.PathAndQuery);
        HeaderBlock fields = request.Headers;
        for (int i = 0; i < fields.Count; i++)
        {
            HeaderField field = fields[i];
            if (FieldChange.IsOurs(field.Name) || !AllowedRequestFields.Contain(field.Name) || DisallowedRequestFields.Contain(field.Name)) continue;
            head.Headers.Add(field.Name, field.Value);
        }

        if (content is { } told) head.Headers.Set(ExtAuthzFilter.PartialBody, told.IsPartial ? "true"u8 : "false"u8);
        foreach ((HeaderName name, byte[] value) in AddedRequestFields) head.Headers.Set(name, value);
        return content?.Octets ?? default;
    }

    public override AuthorizationVerdict Read(HttpExchange exchange, SubRequest question, AuthorizationAnswer answer)
    {
        HttpResponseHead response = question.Response;
        // RFC 9110 section 15.6: a server error is no decision.
        if (response.Status is >= 500 or < 200) return AuthorizationVerdict.Error;
        bool isYes = response.Status == 200;
        HeaderBlock fields = response.Headers;
        var refused = isYes ? null : ImmutableArray.CreateBuilder<(HeaderName, ReadOnlyMemory<byte>)>();
        ReadOnlyMemory<byte> contentType = default;
        for (int i = 0; i < fields.Count; i++)
        {
            HeaderField field = fields[i];
            if (FieldChange.IsOurs(field.Name)) continue;
            if (refused is not null)
            {
                if (ClientFields is not null && !ClientFields.Contain(field.Name)) continue;
                if (field.Id == KnownHeader.ContentType) contentType = field.Value.ToArray();
                else refused.Add((HeaderName.Create(System.Text.Encoding.ASCII.GetString(field.Name)), field.Value.ToArray()));
            }
            else if (!TryTake(field, answer))
            {
                return AuthorizationVerdict.Error;
            }
        }

        if (isYes) return AuthorizationVerdict.Allowed;
        answer.Refusal = new LocalReply
        {
            Status = response.Status,
            Body = question.Body.ToArray(),
            ContentType = contentType,
            Headers = refused!.ToImmutable(),
            Details = ExtAuthzFilter.DeniedDetails,
            Flags = ResponseFlags.UnauthorizedExternalService,
        };
        return AuthorizationVerdict.Denied;
    }

    /// <summary>What a yes says beside yes.</summary>
    private bool TryTake(HeaderField field, AuthorizationAnswer answer)
    {
        if (field.Name.SequenceEqual("x-envoy-auth-headers-to-remove"u8))
        {
            foreach (Range part in field.Value.Split((byte)','))
            {
                ReadOnlySpan<byte> name = field.Value[part].Trim((byte)' ');
                if (FieldChange.IsOurs(name)) continue;
                if (!HeaderName.TryCreate(System.Text.Encoding.ASCII.GetString(name), out HeaderName? removed)) return false;
                answer.RequestChanges.Add(new FieldChange(removed!, [], FieldAction.Remove));
            }

            return answer.RequestChanges.Count <= AuthorizationAnswer.MaxChanges;
        }

        bool isSet = UpstreamFields.Contain(field.Name);
        bool isAppended = AppendedUpstreamFields.Contain(field.Name);
        bool isForClient = ClientFieldsOnSuccess.Contain(field.Name);
        bool isForMetadata = MetadataFields.Contain(field.Name);
        if (!isSet && !isAppended && !isForClient && !isForMetadata) return true;
        var name2 = HeaderName.Create(System.Text.Encoding.ASCII.GetString(field.Name));
        byte[] value = field.Value.ToArray();
        if (isSet) answer.RequestChanges.Add(new FieldChange(name2, value, IsFirst(answer.RequestChanges, name2) ? FieldAction.Set : FieldAction.Append));
        if (isAppended) answer.RequestChanges.Add(new FieldChange(name2, value, FieldAction.Append));
        if (isForClient) answer.ResponseChanges.Add(new FieldChange(name2, value, FieldAction.Append));
        if (isForMetadata)
        {
            answer.Metadata ??= new Struct();
            answer.Metadata.Fields[name2.ToString().ToLowerInvariant()] = Value.ForString(System.Text.Encoding.UTF8.GetString(value));
        }

        return answer.RequestChanges.Count <= AuthorizationAnswer.MaxChanges && answer.ResponseChanges.Count <= AuthorizationAnswer.MaxChanges;
    }

    /// <summary>Of several fields of one name the first takes the client's away, the others stand beside it.</summary>
    private static bool IsFirst(List<FieldChange> changes, HeaderName name)
    {
        foreach (FieldChange one in changes)
        {
            if (one.Action == FieldAction.Set && System.Text.Ascii.EqualsIgnoreCase(one.Name.Bytes, name.Bytes)) return false;
        }

        return true;
    }

    private void SetTarget(HttpRequestHead head, ReadOnlySpan<byte> target)
    {
        if (target.IsEmpty || target[0] != '/') target = "/"u8;
        if (PathPrefix.Length == 0)
        {
            head.SetPathAndQuery(target);
            return;
        }

        byte[] rented = System.Buffers.ArrayPool<byte>.Shared.Rent(PathPrefix.Length + target.Length);
        PathPrefix.CopyTo(rented, 0);
        target.CopyTo(rented.AsSpan(PathPrefix.Length));
        head.SetPathAndQuery(rented.AsSpan(0, PathPrefix.Length + target.Length));
        System.Buffers.ArrayPool<byte>.Shared.Return(rented);
    }
}
