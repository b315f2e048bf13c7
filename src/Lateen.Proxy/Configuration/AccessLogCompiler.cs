using System.Collections.Immutable;

namespace Lateen.Proxy.Configuration;

/// <summary>Compiles access loggers.</summary>
internal static class AccessLogCompiler
{
    public static ImmutableArray<CompiledExtension> Compile(
        IReadOnlyList<Envoy.Config.Accesslog.V3.AccessLog> logs, ExtensionCatalog extensions, FieldPath path, ConfigurationErrors errors)
    {
        var compiled = ImmutableArray.CreateBuilder<CompiledExtension>(logs.Count);
        for (var i = 0; i < logs.Count; i++)
        {
            if (extensions.CompileAccessLogger(logs[i].Name, logs[i].TypedConfig, path.At(i), errors) is { } log) compiled.Add(log);
        }

        return compiled.DrainToImmutable();
    }
}
