using Envoy.Extensions.Filters.Http.Router.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Filters;

/// <summary>Compiles <c>envoy.filters.http.router</c>.</summary>
public sealed class RouterFilterCompiler : IExtensionCompiler
{
    public string MessageName => ExtensionCatalog.RouterMessageName;

    public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
    {
        try
        {
            var router = Router.Parser.ParseFrom(configuration.Value);
            return new RouterFilter(name, configuration.TypeUrl) { SuppressEnvoyHeaders = router.SuppressEnvoyHeaders };
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(path, $"is not a valid message: {fault.Message}");
            return null;
        }
    }
}
