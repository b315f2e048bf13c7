using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Google.Protobuf.Collections;
using Lateen.Http;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.SubRequests;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>An authorization service that speaks gRPC: <c>envoy.service.auth.v3.Authorization/Check</c> (<c>grpc_service</c>).</summary>
/// <remarks>Immutable. Messages are objects, so asking allocates, unlike by HTTP.</remarks>
internal sealed class GrpcAuthorizationService : AuthorizationService
{
    private const int DefaultDeniedStatus = 403;

    /// <summary>How the service is called.</summary>
    public required GrpcCheck Check { get; init; }

    /// <summary>What the service is told of a request.</summary>
    public required AttributeSource Attributes { get; init; }

    public override bool CanJudgeConnect => true;

    public override ReadOnlyMemory<byte> Ask(HttpExchange exchange, ExtAuthzRoute? route, SubRequest question, GatheredContent? content) =>
        Check.Write(question, Attributes.Describe(exchange, route, content));

    public override AuthorizationVerdict Read(HttpExchange exchange, SubRequest question, AuthorizationAnswer answer)
    {
        if (GrpcCheck.Read(question) is not { } response) return AuthorizationVerdict.Error;
        answer.Metadata = response.DynamicMetadata;
        if ((response.Status?.Code ?? 0) != 0) return ReadDenied(response.DeniedResponse, answer);
        OkHttpResponse ok = response.OkResponse ?? new OkHttpResponse();
        if (!TryRead(ok.Headers, answer.RequestChanges) || !TryRead(ok.ResponseHeadersToAdd, answer.ResponseChanges)) return AuthorizationVerdict.Error;
        foreach (string name in ok.HeadersToRemove)
        {
            if (FieldChange.IsOurs(System.Text.Encoding.UTF8.GetBytes(name))) continue;
            if (!HeaderName.TryCreate(name, out HeaderName? removed) || answer.RequestChanges.Count == AuthorizationAnswer.MaxChanges) return AuthorizationVerdict.Error;
            answer.RequestChanges.Add(new FieldChange(removed!, [], FieldAction.Remove));
        }

        if (ok.QueryParametersToSet.Count == 0 && ok.QueryParametersToRemove.Count == 0) return AuthorizationVerdict.Allowed;
        answer.Target = QueryChanges.Apply(exchange.Request, ok);
        return answer.Target is null ? AuthorizationVerdict.Error : AuthorizationVerdict.Allowed;
    }

    private static AuthorizationVerdict ReadDenied(DeniedHttpResponse? denied, AuthorizationAnswer answer)
    {
        var changes = new List<FieldChange>();
        int status = denied?.Status is { Code: not 0 } told ? (int)told.Code : DefaultDeniedStatus;
        if (status is < 200 or > 599 || !TryRead(denied?.Headers ?? [], changes)) return AuthorizationVerdict.Error;
        var headers = ImmutableArray.CreateBuilder<(HeaderName, ReadOnlyMemory<byte>)>(changes.Count);
        ReadOnlyMemory<byte> contentType = "text/plain"u8.ToArray();
        foreach (FieldChange one in changes)
        {
            if (one.Name.Known == KnownHeader.ContentType) contentType = one.Value;
            else headers.Add((one.Name, one.Value));
        }

        answer.Refusal = new LocalReply
        {
            Status = status,
            Body = System.Text.Encoding.UTF8.GetBytes(denied?.Body ?? string.Empty),
            ContentType = contentType,
            Headers = headers.ToImmutable(),
            Details = ExtAuthzFilter.DeniedDetails,
            Flags = ResponseFlags.UnauthorizedExternalService,
        };
        return AuthorizationVerdict.Denied;
    }

    private static bool TryRead(RepeatedField<HeaderValueOption> options, List<FieldChange> changes)
    {
        if (options.Count > AuthorizationAnswer.MaxChanges) return false;
        foreach (HeaderValueOption option in options)
        {
            if (!FieldChange.TryRead(option, out FieldChange? change)) return false;
            if (change is { } valid) changes.Add(valid);
        }

        return true;
    }
}
