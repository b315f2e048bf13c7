using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lateen.Cli.ProxyDumps;

/// <summary>Writes a list of resources of a dump as one JSON array.</summary>
[JsonSerializable(typeof(List<JsonElement>))]
internal sealed partial class JsonElementList : JsonSerializerContext;
