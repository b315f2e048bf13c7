using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lateen.ControlPlane.Api;

/// <summary>
/// How the API's records are written as JSON. Generated, so that neither the server nor the CLI reflects; camelCase names, nulls left out. What may not be
/// null is refused where it is, before anybody looks at it.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ApplyRequest))]
[JsonSerializable(typeof(DeleteRequest))]
[JsonSerializable(typeof(ApplyResponse))]
[JsonSerializable(typeof(ResourceListResponse))]
[JsonSerializable(typeof(ResourceView))]
[JsonSerializable(typeof(DiagnosticListResponse))]
[JsonSerializable(typeof(RevisionListResponse))]
[JsonSerializable(typeof(ServedResponse))]
[JsonSerializable(typeof(ProxyListResponse))]
[JsonSerializable(typeof(ProxyView))]
[JsonSerializable(typeof(VersionResponse))]
[JsonSerializable(typeof(AuthorityStatusResponse))]
[JsonSerializable(typeof(RootsResponse))]
[JsonSerializable(typeof(RotateRequest))]
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(TokenResponse))]
[JsonSerializable(typeof(TokenListResponse))]
[JsonSerializable(typeof(GrantListResponse))]
[JsonSerializable(typeof(ProblemResponse))]
[JsonSerializable(typeof(AuthorizationCheckRequest))]
[JsonSerializable(typeof(AuthorizationCheckResponse))]
[JsonSerializable(typeof(JsonElement))]
public sealed partial class ApiJson : JsonSerializerContext;
