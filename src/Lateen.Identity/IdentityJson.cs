using System.Text.Json.Serialization;
using Lateen.Identity.Joining;
using Lateen.Identity.Rotation;

namespace Lateen.Identity;

/// <summary>How the authority's files are written. Generated, so that nothing reflects.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true)]
[JsonSerializable(typeof(AuthorityState))]
[JsonSerializable(typeof(JoinTokenFile))]
[JsonSerializable(typeof(NodeGrantFile))]
internal sealed partial class IdentityJson : JsonSerializerContext;
