namespace Lateen.ControlPlane.Certificates.Callers;

/// <summary>A workload's present certificate: it renews its own identity, and no other.</summary>
internal sealed class CertificateProof : ICallerProof
{
    /// <summary>The handshake has done the work.</summary>
    public bool IsCostly => false;

    public ValueTask<CallerVerdict?> JudgeAsync(CallerCredentials credentials, CancellationToken cancellation) =>
        ValueTask.FromResult(credentials.Certificate is { } identity ? CallerVerdict.Proven(ProvenCaller.Of("certificate", identity)) : null);
}
