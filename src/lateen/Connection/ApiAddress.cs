using System.Net;

namespace Lateen.Cli.Connection;

/// <summary>
/// Where a control plane's API listens: <c>host:port</c>, <c>http://host:port</c> or <c>unix:/path</c>.
/// </summary>
internal abstract record ApiAddress
{
    public sealed record Tcp(string Host, int Port) : ApiAddress
    {
        public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
    }

    public sealed record UnixSocket(string Path) : ApiAddress
    {
        public override string ToString() => $"unix:{Path}";
    }

    /// <summary>The base of request addresses; over a unix socket the host has no meaning and is only there to be valid.</summary>
    public Uri BaseUri => this is Tcp tcp ? new Uri($"http://{tcp}/") : new Uri("http://localhost/");

    /// <exception cref="CliException">The text is none of the three forms.</exception>
    public static ApiAddress Parse(string text, string givenBy)
    {
        if (text.StartsWith("unix:", StringComparison.Ordinal) && text.Length > 5) return new UnixSocket(text[5..]);
        string rest = text.StartsWith("http://", StringComparison.Ordinal) ? text[7..].TrimEnd('/') : text;
        int colon = rest.LastIndexOf(':');
        if (colon > 0 && int.TryParse(rest.AsSpan(colon + 1), out int port) && port is >= 0 and <= 65535)
            return new Tcp(rest[..colon].Trim('[', ']'), port);
        throw new CliException(ExitCode.Usage, $"{givenBy}: '{text}' is not an address",
            "write host:port, http://host:port or unix:/path, for example 127.0.0.1:15014");
    }

    /// <summary>Addresses that only this machine reaches. The API has no authentication of its own, so it listens nowhere else.</summary>
    public bool IsLocal => this is not Tcp tcp || tcp.Host == "localhost" || (IPAddress.TryParse(tcp.Host, out var ip) && IPAddress.IsLoopback(ip));
}
