using System.Collections.Immutable;
using Envoy.Config.Accesslog.V3;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Filters;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Configuration;

/// <summary>Compiles access loggers and what they take.</summary>
internal static class AccessLogCompiler
{
    public static ImmutableArray<CompiledExtension> Compile(
        IReadOnlyList<AccessLog> logs, ExtensionCatalog extensions, FieldPath path, ConfigurationErrors errors)
    {
        var compiled = ImmutableArray.CreateBuilder<CompiledExtension>(logs.Count);
        for (var i = 0; i < logs.Count; i++)
        {
            var flags = FlagsOf(logs[i].Filter, path.At(i).Field("filter"), errors);
            if (extensions.CompileAccessLogger(logs[i].Name, logs[i].TypedConfig, path.At(i), errors) is not { } log) continue;
            compiled.Add(flags != ResponseFlags.None && log is AccessLogger logger ? new FlagFilteredAccessLogger(logger, flags) : log);
        }

        return compiled.DrainToImmutable();
    }

    /// <returns>None: everything is taken.</returns>
    private static ResponseFlags FlagsOf(AccessLogFilter? filter, FieldPath path, ConfigurationErrors errors)
    {
        if (filter is null) return ResponseFlags.None;
        if (filter.ResponseFlagFilter is not { } named)
        {
            errors.Add(path, "only response_flag_filter is supported");
            return ResponseFlags.None;
        }

        // As in Envoy: an empty list takes whatever has a flag at all.
        if (named.Flags.Count == 0) return (ResponseFlags)ulong.MaxValue;
        var flags = ResponseFlags.None;
        for (var i = 0; i < named.Flags.Count; i++)
        {
            if (ResponseFlagNames.TryParse(named.Flags[i], out var flag)) flags |= flag;
            else errors.Add(path.Field("response_flag_filter").Field("flags").At(i), $"'{named.Flags[i]}' is not a flag");
        }

        return flags;
    }
}
