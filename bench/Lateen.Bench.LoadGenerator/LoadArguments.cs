using System.Globalization;
using System.Net;
using Lateen.Net;

namespace Lateen.Bench.LoadGenerator;

/// <summary>The command line of the load generator.</summary>
internal static class LoadArguments
{
    internal const string Usage = """
        Usage: Lateen.Bench.LoadGenerator URL [options]
          URL                   http://IP:PORT/path (localhost is understood; other names need --connect)
          --connect IP:PORT     connect there instead; also unix paths and @abstract names
          --absolute            send absolute-form targets, as to a forward proxy
          --path PATH           more targets, sent in turn (repeatable)
          --header "N: V"       add a header line (repeatable)
          --host NAME           Host header (default: the URL's)
          --method NAME         default GET
          --connections N       keep-alive connections (default 64)
          --close               a new connection for each request
          --rate R              open loop: R requests per second, latency from the intended time (default: closed loop)
          --duration SECONDS    default 10
          --requests N          stop after N requests
          --warmup SECONDS      not measured (default 0)
          --timeout SECONDS     per request (default 10)
          --threads N           reactors that make the load (default 1)
        Prints a JSON report. Exit: 0 all succeeded, 1 some failed, 2 bad usage, 3 nothing was answered.
        """;

    /// <summary>The options, or null and what is wrong.</summary>
    internal static LoadOptions? Parse(string[] arguments, out string error)
    {
        error = "";
        Uri? url = null;
        string? connect = null, host = null;
        var isAbsolute = false;
        var paths = new List<string>();
        var headers = new List<string>();
        var options = new LoadOptions { Target = UnixSocketEndPoint.Unnamed, Host = "" };
        for (var i = 0; i < arguments.Length; i++)
        {
            var name = arguments[i];
            if (!name.StartsWith("--", StringComparison.Ordinal))
            {
                if (!Uri.TryCreate(name, UriKind.Absolute, out url) || url.Scheme != Uri.UriSchemeHttp)
                    return Fail(out error, $"'{name}' is not an http:// URL");
                continue;
            }

            if (name is "--absolute" or "--close")
            {
                isAbsolute |= name == "--absolute";
                options = options with { ConnectionPerRequest = options.ConnectionPerRequest || name == "--close" };
                continue;
            }

            if (++i == arguments.Length)
                return Fail(out error, $"{name} needs a value");
            var value = arguments[i];
            switch (name)
            {
                case "--connect": connect = value; break;
                case "--host": host = value; break;
                case "--path": paths.Add(value); break;
                case "--header": headers.Add(value); break;
                case "--method": options = options with { Method = value }; break;
                default:
                    if (!double.TryParse(value, CultureInfo.InvariantCulture, out var number) || number < 0)
                        return Fail(out error, $"{name}: '{value}' is not a number");
                    var changed = WithNumber(options, name, number);
                    if (changed is null)
                        return Fail(out error, $"unknown option {name}");
                    options = changed;
                    break;
            }
        }

        if (url is null)
            return Fail(out error, "a URL is needed");
        if (!TryEndPoint(connect ?? $"{(url.Host == "localhost" ? "127.0.0.1" : url.Host)}:{url.Port}", out var target))
            return Fail(out error, $"'{connect ?? url.Authority}' is not an address; give one with --connect IP:PORT");
        paths.Insert(0, url.PathAndQuery);
        return options with
        {
            Target = target,
            Host = host ?? url.Authority,
            Headers = headers,
            Paths = isAbsolute ? [.. paths.Select(path => $"http://{url.Authority}{path}")] : paths,
        };
    }

    private static LoadOptions? WithNumber(LoadOptions options, string name, double number) => name switch
    {
        "--connections" => options with { Connections = Math.Max((int)number, 1) },
        "--rate" => options with { Rate = number },
        "--duration" => options with { Duration = TimeSpan.FromSeconds(number) },
        "--requests" => options with { MaxRequests = (long)number },
        "--warmup" => options with { Warmup = TimeSpan.FromSeconds(number) },
        "--timeout" => options with { RequestTimeout = TimeSpan.FromSeconds(number) },
        "--threads" => options with { Threads = Math.Max((int)number, 1) },
        _ => null,
    };

    private static bool TryEndPoint(string text, out EndPoint endPoint)
    {
        if (IPEndPoint.TryParse(text, out var ip))
        {
            endPoint = ip;
            return true;
        }

        endPoint = UnixSocketEndPoint.Parse(text);
        return text.StartsWith('@') || text.StartsWith('/');
    }

    private static LoadOptions? Fail(out string error, string text)
    {
        error = text;
        return null;
    }
}
