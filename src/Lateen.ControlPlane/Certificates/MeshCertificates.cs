using System.Collections.Immutable;
using Lateen.ControlPlane.Certificates.Callers;
using Lateen.ControlPlane.Metrics;
using Lateen.ControlPlane.Serving;
using Lateen.ControlPlane.Store;
using Lateen.Identity;
using Lateen.Identity.Joining;

namespace Lateen.ControlPlane.Certificates;

/// <summary>
/// Everything that the control plane has of a certificate authority, put together once at start: the authority, its tokens, the service, the own
/// certificate, the roots as proxies are sent them.
/// </summary>
internal sealed class MeshCertificates : IAsyncDisposable
{
    private const string TokenFileName = "join-tokens.json";
    private const string GrantFileName = "node-grants.json";

    /// <summary>10,000 tokens of some 300 octets, and as much again.</summary>
    private const int MaxTokenFileLength = 8 * 1024 * 1024;

    /// <summary>10,000 grants of some labels each. More than that is damage, or labels of extraordinary length.</summary>
    private const int MaxGrantFileLength = 64 * 1024 * 1024;

    private readonly MeshTrustDomains _domains;
    private RootRotationWorker? _worker;

    private MeshCertificates(
        MeshTrustDomains domains, IMeshAuthority authority, JoinTokenTable tokens, NodeGrantTable grants, CertificateService service, ServerCertificate server, SecurePort port)
    {
        _domains = domains;
        Authority = authority;
        Tokens = tokens;
        Grants = grants;
        Service = service;
        Server = server;
        Port = port;
        Trust = new TrustPublication(authority.Bundle);
    }

    public IMeshAuthority Authority { get; }

    public JoinTokenTable Tokens { get; }

    /// <summary>What proxies may claim beyond what their certificates prove.</summary>
    public NodeGrantTable Grants { get; }

    public CertificateService Service { get; }

    public ServerCertificate Server { get; }

    public SecurePort Port { get; }

    public TrustPublication Trust { get; }

    /// <summary>Set by <see cref="Run"/>.</summary>
    public RootRotationWorker Worker => _worker ?? throw new InvalidOperationException("the authority does not run yet");

    /// <exception cref="IOException">Files are missing, damaged, readable by others, or do not fit together.</exception>
    public static MeshCertificates Open(ControlPlaneOptions options, MeshTrustDomains domains, CertificateMetrics metrics)
    {
        string? directory = options.StateDirectory is { } state ? Path.Combine(state, "ca") : null;
        IMeshAuthority authority = options.AuthorityDirectory is { } given
            ? GivenAuthority.Open(given, domains, options.Time, options.Log)
            : EmbeddedAuthority.Open(directory, domains, options.Time);
        var tokens = OpenTokens(directory);
        var server = new ServerCertificate(authority, options.Time);
        var port = new SecurePort(authority, server, options.Time, options.Log);
        ImmutableArray<ICallerProof> proofs =
        [
            new CertificateProof(),
            new JoinTokenProof(tokens, domains.Own, options.Time),
            .. Issuers(options, domains.Own),
        ];
        var service = new CertificateService(authority, proofs, new RefusalBudget(options.Time), metrics, options.Log, port.IdentityOf);
        return new MeshCertificates(domains, authority, tokens, OpenGrants(directory), service, server, port);
    }

    private static List<JwtProof> Issuers(ControlPlaneOptions options, TrustDomain trustDomain)
    {
        try
        {
            return [.. options.TokenIssuers.Select(issuer => new JwtProof(issuer, trustDomain, options.Time))];
        }
        catch (FormatException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private static JoinTokenTable OpenTokens(string? directory)
    {
        if (directory is null) return new JoinTokenTable([], static _ => { });
        PrivateFile.CreateDirectory(directory);
        string path = Path.Combine(directory, TokenFileName);
        IReadOnlyList<JoinTokenRecord> records = [];
        if (PrivateFile.Read(path, MaxTokenFileLength) is { } content)
        {
            records = JoinTokenTable.Read(content, out string? reason)?.Tokens
                ?? throw new IOException($"{path}: {reason}; move it away, and every token that is out is void");
        }

        return new JoinTokenTable(records, file => PrivateFile.Write(path, JoinTokenTable.ToJson(file)));
    }

    private static NodeGrantTable OpenGrants(string? directory)
    {
        if (directory is null) return new NodeGrantTable([], static _ => { });
        string path = Path.Combine(directory, GrantFileName);
        IReadOnlyList<NodeGrant> grants = [];
        if (PrivateFile.Read(path, MaxGrantFileLength) is { } content)
        {
            grants = NodeGrantTable.Read(content, out string? reason)?.Grants
                ?? throw new IOException($"{path}: {reason}; move it away, and gateways join anew");
        }

        return new NodeGrantTable(grants, file => PrivateFile.Write(path, NodeGrantTable.ToJson(file)));
    }

    /// <summary>Begins to carry changes of the authority to the proxies.</summary>
    public void Run(ResourceStore store, MeshServer server, ControlPlaneOptions options)
    {
        _domains.Follow(() => server.Snapshot?.Mesh);
        _worker = new RootRotationWorker(Authority, Server, Trust, store, server, options.Time, options.Log);
    }

    public async ValueTask DisposeAsync()
    {
        if (_worker is not null) await _worker.DisposeAsync();
        Authority.Dispose();
    }
}
