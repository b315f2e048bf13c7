using System.Threading.Channels;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Tests.Harness;

/// <summary>An access log that the test reads: status, flags and details of each exchange.</summary>
internal sealed record RecordingLog() : AccessLogger("test", "test")
{
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    /// <summary>Turns an exchange into its line.</summary>
    public Func<HttpExchange, string> Format { get; init; } = static exchange =>
        $"{exchange.Record.ResponseStatus} {ResponseFlagNames.ToText(exchange.Record.Flags)} {exchange.Record.ResponseDetails}";

    /// <summary>Turns a connection into its line.</summary>
    public Func<IAccessLogRecord, string> FormatConnection { get; init; } = static record => ResponseFlagNames.ToText(record.Flags);

    public override void Write(IAccessLogRecord record, int reactorIndex) => _lines.Writer.TryWrite(FormatConnection(record));

    public override void Write(HttpExchange exchange) => _lines.Writer.TryWrite(Format(exchange));

    /// <summary>The next line, when it is there.</summary>
    public ValueTask<string> NextAsync() => _lines.Reader.ReadAsync(TestContext.Current.CancellationToken);
}
