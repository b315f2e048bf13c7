using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;
using Lateen.Identity;
using Lateen.Identity.Rotation;
using Lateen.Identity.Signing;

namespace Lateen.ControlPlane.Certificates;

/// <summary>
/// The authority that the control plane makes for itself at its first start and keeps in its state directory. Every change of state is in the file before it
/// is in effect, so a kill at any moment is a restart in the same or the next stage.
/// </summary>
internal sealed class EmbeddedAuthority : IMeshAuthority
{
    private const string FileName = "authority.json";
    private const int MaxFileLength = 256 * 1024;

    private readonly string? _path;
    private readonly MeshTrustDomains _domains;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private AuthorityState _state;
    private SigningSnapshot _snapshot;

    private EmbeddedAuthority(string? path, MeshTrustDomains domains, TimeProvider time, AuthorityState state, SigningSnapshot snapshot)
    {
        _domains = domains;
        _path = path;
        _time = time;
        _state = state;
        _snapshot = snapshot;
    }

    /// <param name="directory">Where the state is kept; null keeps it in memory only.</param>
    /// <exception cref="IOException">The file is damaged, of another trust domain, readable by others, or cannot be written.</exception>
    public static EmbeddedAuthority Open(string? directory, MeshTrustDomains domains, TimeProvider time)
    {
        string? path = null;
        AuthorityState? state = null;
        if (directory is not null)
        {
            PrivateFile.CreateDirectory(directory);
            path = Path.Combine(directory, FileName);
            if (PrivateFile.Read(path, MaxFileLength) is { } content)
            {
                state = AuthorityState.Read(content, out string? damage)
                    ?? throw new IOException($"{path}: {damage}; restore it from a backup, or move it away and every workload joins anew");
                if (domains.All.All(domain => domain.Name != state.TrustDomain))
                    throw new IOException($"{path} is of the trust domain {state.TrustDomain}, and the mesh's settings say {domains.Own}; name the old one among trustDomainAliases, set trustDomain back, or give another state directory");
            }
        }

        // A mesh that has got another name, and says so by naming the old one as an alias, keeps its keys.
        bool isNew = state is null || state.TrustDomain != domains.Own.Name;
        state = state is null ? RootRotation.First(domains.Own, time.GetUtcNow()) : state with { TrustDomain = domains.Own.Name };
        if (!RootRotation.TryRead(state, [], out var snapshot, out string? reason)) throw new IOException($"{path}: {reason}");
        if (isNew && path is not null) PrivateFile.Write(path, state.ToJson());
        return new EmbeddedAuthority(path, domains, time, state, snapshot);
    }

    public TrustBundle Bundle => Volatile.Read(ref _snapshot).Bundle.Of(_domains.All);

    public X509Certificate2 SigningCertificate => Volatile.Read(ref _snapshot).Signer.Certificate;

    public string Source => _path is null ? "embedded, in memory" : "embedded";

    /// <summary>The state with its keys: for the rotation's conditions, never to be shown.</summary>
    public AuthorityState State
    {
        get
        {
            lock (_gate) return _state;
        }
    }

    /// <summary>Only this process changes an embedded authority, and it knows when.</summary>
    public bool Refresh() => false;

    public bool TryIssue(
        SigningRequest request, SpiffeId identity, TimeSpan lifetime, [NotNullWhen(true)] out WorkloadCertificate? certificate,
        [NotNullWhen(false)] out string? reason) => TryIssue(request.PublicKey, identity, null, lifetime, out certificate, out reason);

    public bool TryIssueServer(
        PublicKey publicKey, SpiffeId identity, ServerNames names, TimeSpan lifetime, [NotNullWhen(true)] out WorkloadCertificate? certificate,
        [NotNullWhen(false)] out string? reason) => TryIssue(publicKey, identity, names, lifetime, out certificate, out reason);

    private bool TryIssue(
        PublicKey publicKey, SpiffeId identity, ServerNames? names, TimeSpan lifetime, [NotNullWhen(true)] out WorkloadCertificate? certificate,
        [NotNullWhen(false)] out string? reason)
    {
        var now = _time.GetUtcNow();
        SigningSnapshot snapshot;
        lock (_gate)
        {
            // Order matters: how long the signer's leaves last is kept before one leaves, and in the same breath as the signer is chosen; a rotation in between
            // would drop a root that still has leaves.
            var reserved = RootRotation.Reserve(_state, now + lifetime);
            if (!ReferenceEquals(reserved, _state)) Keep(reserved);
            snapshot = _snapshot;
        }

        return snapshot.Of(_domains.All).TryIssue(publicKey, identity, names, lifetime, now, out certificate, out reason);
    }

    /// <summary>Goes to the next stage, if the state is still the one that the caller judged by.</summary>
    /// <returns>False when it has changed meanwhile.</returns>
    /// <exception cref="InvalidOperationException">The step may not be taken now.</exception>
    public bool Advance(AuthorityState from, Func<AuthorityState, DateTimeOffset, AuthorityState> step)
    {
        lock (_gate)
        {
            if (_state.Stage != from.Stage || _state.Since != from.Since) return false;
            var next = step(_state, _time.GetUtcNow());
            if (!RootRotation.TryRead(next, ImmutableArray<TrustDomain>.Empty, out var snapshot, out string? reason)) throw new InvalidOperationException(reason);
            Keep(next);
            Volatile.Write(ref _snapshot, snapshot);
            return true;
        }
    }

    private void Keep(AuthorityState state)
    {
        if (_path is not null) PrivateFile.Write(_path, state.ToJson());
        _state = state;
    }

    public void Dispose() => _snapshot.Signer.Dispose();
}
