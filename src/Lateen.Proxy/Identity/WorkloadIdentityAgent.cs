using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Lateen.Identity;
using Lateen.Net.Certificates;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.ControlPlane;
using Lateen.Proxy.Logging;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Identity;

/// <summary>
/// Keeps the workload's certificate good for as long as the proxy runs: makes a key, has the mesh's authority confirm whose it is, takes the certificate into use,
/// and does so anew at half of its life. While the authority cannot be reached the proxy serves on with what it has.
/// </summary>
/// <remarks>
/// <para>The first question is proved by the join token, later ones by the certificate in use. After a failure the other of the two is tried, if it is there: a token
/// may be spent, and an authority may have forgotten whom it signed for.</para>
/// <para>One per process; <see cref="RunAsync"/> once. Certificates are replaced on the configuration thread; connections go on with the one that they began with.</para>
/// </remarks>
public sealed class WorkloadIdentityAgent : IDisposable
{
    /// <summary>The clock is looked at this often while nothing is due: a machine that slept wakes up to a certificate that has aged.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromMinutes(1);

    private readonly WorkloadIdentityConfig _config;
    private readonly ProxyConfiguration _configuration;
    private readonly IAuthority _authority;
    private readonly IdentityStats _stats;
    private readonly StatsRegistry _registry;
    private readonly Logger _log;
    private readonly TimeProvider _time;
    private readonly Func<double> _chance;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile WorkloadCredentials? _credentials;
    private CertificateKey? _nextKey;
    private DateTimeOffset _renewAt;
    private bool _provesByCertificate = true;

    /// <param name="config">Who the workload is.</param>
    /// <param name="configuration">Where certificates are taken into use.</param>
    /// <param name="management">Where the authority is asked.</param>
    /// <param name="registry">Where attempts are counted.</param>
    /// <param name="log">Told of every certificate, and of every failure with what to do.</param>
    /// <param name="time">Of all lifetimes.</param>
    public WorkloadIdentityAgent(
        WorkloadIdentityConfig config, ProxyConfiguration configuration, ManagementReactor management, StatsRegistry registry, Logger log, TimeProvider time)
        : this(config, configuration, new AuthorityClient(config, management), registry, log, time, Random.Shared.NextDouble)
    {
    }

    internal WorkloadIdentityAgent(
        WorkloadIdentityConfig config, ProxyConfiguration configuration, IAuthority authority, StatsRegistry registry, Logger log, TimeProvider time, Func<double> chance)
    {
        _config = config;
        _configuration = configuration;
        _authority = authority;
        _registry = registry;
        _log = log;
        _time = time;
        _chance = chance;
        _stats = IdentityStats.Open(registry);
        registry.OnCollect(shared => shared.Set(_stats.SecondsLeft, _credentials is { } used ? Math.Max(0, (long)(used.NotAfter - _time.GetUtcNow()).TotalSeconds) : 0));
    }

    /// <summary>Completes when the first certificate is in use: before that the proxy can show nobody who it is.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Runs until stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var failures = 0;
        try
        {
            while (true)
            {
                await WaitAsync(failures, stop).ConfigureAwait(false);
                if (await TryAsync(stop).ConfigureAwait(false) is not { } reason)
                {
                    failures = 0;
                    continue;
                }

                failures++;
                _registry.Shared.Add(_stats.Failed);
                Report(reason, failures);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            _ready.TrySetCanceled(stop);
        }
    }

    public void Dispose() => _nextKey?.Dispose();

    /// <summary>An attempt that ends by a defect is one that failed: who gave up here would be out of the mesh two days later, and nobody would know why.</summary>
    private async Task<string?> TryAsync(CancellationToken stop)
    {
        try
        {
            return await AttemptAsync(stop).ConfigureAwait(false);
        }
        catch (Exception defect) when (defect is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            return $"a defect: {defect}";
        }
    }

    private async Task WaitAsync(int failures, CancellationToken stop)
    {
        if (failures > 0)
        {
            await Task.Delay(RenewalSchedule.PauseAfter(failures, _chance()), _time, stop).ConfigureAwait(false);
            return;
        }

        while (_credentials is not null && _renewAt - _time.GetUtcNow() is { Ticks: > 0 } left)
            await Task.Delay(left < Glance ? left : Glance, _time, stop).ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
    }

    /// <returns>Why there is no new certificate; null when there is.</returns>
    private async Task<string?> AttemptAsync(CancellationToken stop)
    {
        if (!TryProve(out var proof, out var trusted, out var reason)) return reason;
        _nextKey ??= CertificateKey.TryCreate(_config.KeyType == KeyAlgorithm.Rsa2048 ? CertificateKeyKind.Rsa2048 : CertificateKeyKind.P256, out reason);
        if (_nextKey is null) return reason;
        var answer = await _authority.AskAsync(_nextKey.CreateRequest(_config.Id.Uri), proof, stop).ConfigureAwait(false);
        _provesByCertificate = !_provesByCertificate;
        if (answer.IsRefusal) _registry.Shared.Add(_stats.Refused);
        if (answer.Chain.IsEmpty) return $"by {proof}: {answer.Reason}";
        if (!TryAccept(answer.Chain, trusted, out var credentials, out var roots, out reason)) return $"what the authority answered is of no use: {reason}";
        if (await _configuration.InstallIdentityAsync(credentials, roots).WaitAsync(stop).ConfigureAwait(false) is { } fault) return $"the certificate cannot be used: {fault}";

        _nextKey.Dispose();
        _nextKey = null;
        _credentials = credentials;
        _provesByCertificate = true;
        _renewAt = RenewalSchedule.RenewAt(credentials.ReceivedAt, credentials.NotAfter, _chance());
        _registry.Shared.Add(_stats.Issued);
        _log.Info($"{credentials}, renewed at {_renewAt:u}; trusted roots: {roots.Certificates.Length}");
        _ready.TrySetResult();
        return null;
    }

    /// <summary>Chooses how the next question is proved.</summary>
    private bool TryProve([NotNullWhen(true)] out AuthorityProof? proof, [NotNullWhen(true)] out MeshRoots? trusted, [NotNullWhen(false)] out string? reason)
    {
        proof = null;
        trusted = _configuration.IdentityBundle;
        var good = _credentials is { } used && used.NotAfter > _time.GetUtcNow() ? used : null;
        var isTokenThere = JoinToken.TryRead(_config.JoinToken, out var token, out reason);
        if (good is not null && trusted is not null && (_provesByCertificate || !isTokenThere))
        {
            _provesByCertificate = true;
            reason = null;
            proof = new AuthorityProof(trusted.Pem, good, null);
            return true;
        }

        _provesByCertificate = false;
        if (!isTokenThere)
        {
            reason ??= "join_token: there is none";
            return false;
        }

        // The file may have been replaced since the start, by somebody who wants this proxy back in the mesh.
        if (TryReadRoots(out var file, out reason)) trusted = trusted is null ? file : Union(file, trusted);
        else if (trusted is null) return false;
        reason = null;
        proof = new AuthorityProof(trusted.Pem, null, token!);
        return true;
    }

    private static MeshRoots Union(MeshRoots file, MeshRoots known) =>
        MeshRoots.TryCreate(file.Certificates.Concat(known.Certificates), out var union, out _) ? union : file;

    private bool TryReadRoots([NotNullWhen(true)] out MeshRoots? bundle, [NotNullWhen(false)] out string? reason)
    {
        bundle = null;
        var errors = new ConfigurationErrors();
        var pem = DataSourceReader.Read(_config.RootCertificates, PemCertificates.MaxLength, FieldPath.Root.Field("root_certificates"), errors);
        if (errors.Any) reason = errors.All[0].ToString();
        else if (!MeshRoots.TryRead(Encoding.UTF8.GetString(pem.Span), out bundle, out reason)) reason = $"root_certificates: {reason}";
        return bundle is not null;
    }

    /// <summary>Believes an answer only when it is what was asked for: for this identity and this key, good now, and verifiable by the peers who will see it.</summary>
    private bool TryAccept(
        ImmutableArray<string> answer, MeshRoots trusted, [NotNullWhen(true)] out WorkloadCredentials? credentials, [NotNullWhen(true)] out MeshRoots? roots,
        [NotNullWhen(false)] out string? reason)
    {
        credentials = null;
        roots = trusted;
        if (!IssuedCertificate.TryRead(answer, out var issued, out reason)) return false;
        if (!issued.Roots.IsEmpty && !MeshRoots.TryCreate(issued.Roots, out roots, out reason)) return false;
        var now = _time.GetUtcNow();
        if (issued.Identity != _config.Id) reason = $"it is for {issued.Identity}, not for {_config.Id}";
        else if (!_nextKey!.Matches(issued.Leaf)) reason = "it is for another key than ours";
        else reason = roots.Refuse(issued, now);
        if (reason is not null) return false;
        credentials = new WorkloadCredentials(issued, _nextKey!, now);
        return true;
    }

    private void Report(string reason, int failures)
    {
        var now = _time.GetUtcNow();
        const string ToDo = "is the control plane up and reachable (lateen status), and is the join token one that it gave (lateen bootstrap)?";
        if (_credentials is not { } used)
            _log.Warning($"no certificate for {_config.Id} yet (attempt {failures}): {reason}. Nothing that needs one is served until then; {ToDo}");
        else if (used.NotAfter <= now)
            _log.Error($"the certificate of {_config.Id} ENDED at {used.NotAfter:u}: peers refuse this workload until it has another (attempt {failures}): {reason}; {ToDo}");
        else if (RenewalSchedule.IsLate(used.ReceivedAt, used.NotAfter, now))
            _log.Warning($"the certificate of {_config.Id} ends in {Rounded(used.NotAfter - now)} and cannot be renewed (attempt {failures}): {reason}; {ToDo}");
        else if (failures == 1)
            _log.Warning($"the certificate of {_config.Id} is good until {used.NotAfter:u}, its renewal failed and is tried again: {reason}");
        else
            _log.Debug($"attempt {failures} at a new certificate failed: {reason}");
    }

    private static string Rounded(TimeSpan left) => left.TotalHours >= 2 ? $"{left.TotalHours:0} h" : left.TotalMinutes >= 2 ? $"{left.TotalMinutes:0} min" : $"{left.TotalSeconds:0} s";
}
