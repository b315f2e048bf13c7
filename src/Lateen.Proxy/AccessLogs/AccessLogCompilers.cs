using Envoy.Config.Core.V3;
using Envoy.Extensions.AccessLoggers.File.V3;
using Envoy.Extensions.AccessLoggers.Stream.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.AccessLogs;

/// <summary>The access loggers that this proxy has: <c>FileAccessLog</c>, <c>StdoutAccessLog</c> and <c>StderrAccessLog</c>.</summary>
public static class AccessLogCompilers
{
    /// <summary>All of them, for the catalog of extensions.</summary>
    /// <param name="writer">The writer of the process; files that a configuration names stay open as long as it lives.</param>
    /// <param name="context">Facts of the process that formats may print.</param>
    public static IExtensionCompiler[] All(AccessLogWriter writer, AccessLogContext context)
    {
        var formats = new AccessLogFormatCompiler(context with { ResolveHeader = ResolveHeader });
        return
        [
            new Compiler<FileAccessLog>("envoy.extensions.access_loggers.file.v3.FileAccessLog", FileAccessLog.Parser, writer, formats, static log => log.Path, static log => log.LogFormat),
            new Compiler<StdoutAccessLog>("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", StdoutAccessLog.Parser, writer, formats, static _ => "/dev/stdout", static log => log.LogFormat),
            new Compiler<StderrAccessLog>("envoy.extensions.access_loggers.stream.v3.StderrAccessLog", StderrAccessLog.Parser, writer, formats, static _ => "/dev/stderr", static log => log.LogFormat),
        ];
    }

    private static int ResolveHeader(string name)
    {
        var id = KnownHeaders.Recognize(System.Text.Encoding.Latin1.GetBytes(name));
        return id == KnownHeader.None ? -1 : (int)id;
    }

    private sealed class Compiler<TConfig>(
        string messageName,
        MessageParser<TConfig> parser,
        AccessLogWriter writer,
        AccessLogFormatCompiler formats,
        Func<TConfig, string> pathOf,
        Func<TConfig, SubstitutionFormatString?> formatOf) : IExtensionCompiler
        where TConfig : class, IMessage<TConfig>, new()
    {
        public string MessageName => messageName;

        public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
        {
            TConfig config;
            try
            {
                config = parser.ParseFrom(configuration.Value);
            }
            catch (InvalidProtocolBufferException failure)
            {
                errors.Add(path, $"the bytes are no {MessageName}: {failure.Message}");
                return null;
            }

            var format = formats.Compile(formatOf(config), path.Field("log_format"), errors);
            var file = Open(pathOf(config), path.Field("path"), errors);
            return format is null || file is null ? null : new FormatAccessLogger(name, configuration.TypeUrl, format, file);
        }

        private AccessLogFile? Open(string file, FieldPath path, ConfigurationErrors errors)
        {
            if (file.Length == 0)
            {
                errors.Add(path, "is required: the file to write to, or /dev/stdout");
                return null;
            }

            try
            {
                return writer.Open(file);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
            {
                errors.Add(path, $"'{file}' cannot be opened for writing: {FileFailureText.Of(failure)}");
                return null;
            }
        }
    }
}
