using Envoy.Config.Accesslog.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.AccessLoggers.File.V3;
using Envoy.Extensions.AccessLoggers.Stream.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Tests.Statistics;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Tests.AccessLogs;

public sealed class AccessLogCompilersTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-log-").FullName;
    private readonly MemoryStream _standardOutput = new();
    private readonly AccessLogWriter _writer;
    private readonly ConfigurationErrors _errors = new();

    public AccessLogCompilersTests()
    {
        _writer = new AccessLogWriter(new AccessLogWriterOptions { StandardOutput = _standardOutput }, new StatsRegistry());
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_file_log_writes_an_exchange_in_its_format()
    {
        var path = Path.Combine(_folder, "access.log");
        var logger = Compile(new FileAccessLog
        {
            Path = path,
            LogFormat = new SubstitutionFormatString { TextFormat = "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %DURATION%\n" },
        });

        logger!.Write(new TestExchange().Served(404, flags: ResponseFlags.NoRouteFound).Exchange);
        await _writer.FlushAsync(Cancellation);

        Assert.Equal("GET /reviews/7 404 NR 7\n", await File.ReadAllTextAsync(path, Cancellation));
    }

    [Theory]
    [InlineData("NR,DPE", ResponseFlags.NoRouteFound, true)]
    [InlineData("NR,DPE", ResponseFlags.DownstreamProtocolError | ResponseFlags.UpstreamOverflow, true)]
    [InlineData("NR,DPE", ResponseFlags.UpstreamOverflow, false)]
    [InlineData("NR,DPE", ResponseFlags.None, false)]
    [InlineData("", ResponseFlags.UpstreamOverflow, true)]
    [InlineData("", ResponseFlags.None, false)]
    public async Task A_log_with_a_filter_takes_what_ended_in_one_of_its_ways(string wanted, ResponseFlags flags, bool isTaken)
    {
        var log = Log(new StdoutAccessLog { LogFormat = new SubstitutionFormatString { TextFormat = "line\n" } });
        log.Filter = new AccessLogFilter { ResponseFlagFilter = new ResponseFlagFilter() };
        log.Filter.ResponseFlagFilter.Flags.AddRange(wanted.Split(',', StringSplitOptions.RemoveEmptyEntries));
        var logger = (AccessLogger)AccessLogCompiler.Compile([log], Catalog(), FieldPath.Root, _errors).Single();
        logger.Write(new TestExchange().Served(404, flags: flags).Exchange);
        await _writer.FlushAsync(Cancellation);

        Assert.Equal(isTaken ? "line\n" : "", System.Text.Encoding.UTF8.GetString(_standardOutput.ToArray()));
    }

    [Fact]
    public void A_filter_that_is_not_supported_or_names_no_flag_is_refused_with_its_path()
    {
        var unknown = Log(new StdoutAccessLog());
        unknown.Filter = new AccessLogFilter { ResponseFlagFilter = new ResponseFlagFilter { Flags = { "NR", "XX" } } };
        var other = Log(new StdoutAccessLog());
        other.Filter = new AccessLogFilter();
        AccessLogCompiler.Compile([unknown, other], Catalog(), FieldPath.Root, _errors);
        Assert.Equal(
            ["[0].filter.response_flag_filter.flags[1]: 'XX' is not a flag", "[1].filter: only response_flag_filter is supported"],
            _errors.All.Select(error => error.ToString()));
    }

    private static AccessLog Log(IMessage config) => new() { Name = "log", TypedConfig = Any.Pack(config) };

    private ExtensionCatalog Catalog() => new([], AccessLogCompilers.All(_writer, new AccessLogContext()));

    [Fact]
    public async Task A_stream_log_with_a_json_format_keeps_the_order_of_keys_and_the_types_of_values()
    {
        var format = Struct.Parser.ParseJson("""{"z":"%RESPONSE_CODE%","a":{"m":"%REQ(:METHOD)%"},"l":["%REQ(X)%",true,1.5]}""");

        var logger = Compile(new StdoutAccessLog { LogFormat = new SubstitutionFormatString { JsonFormat = format } });
        logger!.Write(new TestExchange().Served().Exchange);
        await _writer.FlushAsync(Cancellation);

        Assert.Equal("{\"z\":200,\"a\":{\"m\":\"GET\"},\"l\":[null,true,1.5]}\n", System.Text.Encoding.UTF8.GetString(_standardOutput.ToArray()));
    }

    [Fact]
    public async Task A_log_without_a_format_writes_envoys_default()
    {
        var logger = Compile(new StdoutAccessLog());
        logger!.Write(new TestExchange().Served().Exchange);
        await _writer.FlushAsync(Cancellation);

        Assert.Contains("] \"GET /reviews/7 HTTP/1.1\" 200 - 12 345 7 - ", System.Text.Encoding.UTF8.GetString(_standardOutput.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void An_operator_that_is_not_known_is_refused_with_its_path_and_position()
    {
        Assert.Null(Compile(new StdoutAccessLog { LogFormat = new SubstitutionFormatString { TextFormat = "a %NOPE%" } }));

        Assert.Equal("log.log_format.text_format: operator %NOPE% is not known (at position 2)", _errors.ToString());
    }

    [Fact]
    public void An_operator_that_is_not_known_inside_json_is_refused_with_its_keys()
    {
        var format = Struct.Parser.ParseJson("""{"a":{"b":"%NOPE%"}}""");

        Assert.Null(Compile(new StdoutAccessLog { LogFormat = new SubstitutionFormatString { JsonFormat = format } }));

        Assert.Equal("log.log_format.json_format: a.b: operator %NOPE% is not known (at position 0)", _errors.ToString());
    }

    [Theory]
    [InlineData("", "is required")]
    [InlineData("/no/such/folder/access.log", "cannot be opened")]
    public void A_file_that_cannot_be_written_is_refused(string path, string reason)
    {
        Assert.Null(Compile(new FileAccessLog { Path = path }));

        Assert.StartsWith("log.path: ", _errors.ToString(), StringComparison.Ordinal);
        Assert.Contains(reason, _errors.ToString(), StringComparison.Ordinal);
    }

    private AccessLogger? Compile(IMessage config)
    {
        var packed = Any.Pack(config);
        var compiler = AccessLogCompilers.All(_writer, new AccessLogContext()).Single(one => packed.TypeUrl.EndsWith("/" + one.MessageName, StringComparison.Ordinal));
        return (AccessLogger?)compiler.Compile("log", packed, FieldPath.Root.Field("log"), _errors);
    }
}
