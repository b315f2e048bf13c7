using System.CommandLine;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Verbs;

/// <summary>The options that describe a request or a connection.</summary>
internal sealed class TrafficFlags
{
    private readonly Option<string?> _from = Text("--from", "Who asks: namespace/account, or trust-domain/ns/NAMESPACE/sa/ACCOUNT. Without it the peer shows no certificate", "PRINCIPAL");
    private readonly Option<string?> _sourceIp = Text("--source-ip", "Address of the peer", "IP");
    private readonly Option<string?> _remoteIp = Text("--remote-ip", "Address of the original client. Default: --source-ip", "IP");
    private readonly Option<string?> _destinationIp = Text("--destination-ip", "Address that was connected to", "IP");
    private readonly Option<int?> _port = new("--port") { Description = "The workload's port", HelpName = "PORT" };
    private readonly Option<string?> _sni = Text("--sni", "Server name of the TLS handshake", "NAME");
    private readonly Option<bool> _tcp = new("--tcp") { Description = "A connection on a port that is not HTTP" };
    private readonly Option<string?> _method = Text("--method", "Default: GET", "METHOD");
    private readonly Option<string?> _path = Text("--path", "Default: /", "PATH");
    private readonly Option<string?> _host = Text("--host", "The Host header", "HOST");
    private readonly Option<string[]> _headers = Pairs("--header", "A header. May be repeated", "NAME=VALUE");
    private readonly Option<string[]> _claims = Pairs("--claim", "A claim of a token found good, such as iss=..., sub=..., groups=admin or realm[role]=x. Repeated it is a list", "NAME=VALUE");

    private static Option<string?> Text(string name, string description, string help) => new(name) { Description = description, HelpName = help };

    private static Option<string[]> Pairs(string name, string description, string help) =>
        new(name) { Description = description, HelpName = help, DefaultValueFactory = static _ => [] };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_from, _method, _path, _host, _headers, _claims, _port, _sourceIp, _remoteIp, _destinationIp, _sni, _tcp]) command.Add(option);
    }

    /// <summary>Null when nothing is described.</summary>
    public DescribedTraffic? Read(ParseResult parsed)
    {
        var traffic = new DescribedTraffic(
            parsed.GetValue(_from), parsed.GetValue(_sourceIp), parsed.GetValue(_remoteIp), parsed.GetValue(_destinationIp), parsed.GetValue(_port), parsed.GetValue(_sni),
            parsed.GetValue(_tcp), parsed.GetValue(_method), parsed.GetValue(_path), parsed.GetValue(_host), Headers(parsed.GetValue(_headers) ?? []),
            Claims(parsed.GetValue(_claims) ?? []));
        return traffic == new DescribedTraffic() ? null : traffic;
    }

    private static List<DescribedHeaderView>? Headers(string[] written) =>
        written.Length == 0 ? null : [.. written.Select(pair => Split("--header", pair)).Select(pair => new DescribedHeaderView(pair.Name, pair.Value))];

    private static List<DescribedClaimView>? Claims(string[] written)
    {
        if (written.Length == 0) return null;
        return
        [
            .. written.Select(pair => Split("--claim", pair)).GroupBy(pair => pair.Name)
                .Select(group => new DescribedClaimView(Steps(group.Key), [.. group.Select(pair => pair.Value)])),
        ];
    }

    private static (string Name, string Value) Split(string option, string pair) => pair.IndexOf('=') is > 0 and var equals
        ? (pair[..equals], pair[(equals + 1)..])
        : throw new CliException(ExitCode.Usage, $"{option}: '{pair}' is not name=value");

    /// <summary><c>realm[role]</c>, as policies write it.</summary>
    private static string[] Steps(string name) => [.. name.Split('[').Select(step => step.TrimEnd(']'))];
}
