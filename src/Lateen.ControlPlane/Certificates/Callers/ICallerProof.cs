namespace Lateen.ControlPlane.Certificates.Callers;

/// <summary>
/// One way to prove who one is. The certificate service asks each in turn; what a Kubernetes token needs (a review by its API server) fits behind the same face.
/// </summary>
/// <remarks>Safe from any thread. Expected failures are verdicts; nothing that a caller shows may throw.</remarks>
internal interface ICallerProof
{
    /// <summary>It does arithmetic with what a stranger sent, so an address that has been refused too often is not heard.</summary>
    bool IsCostly { get; }

    /// <returns>Null when the credentials hold nothing for this proof.</returns>
    ValueTask<CallerVerdict?> JudgeAsync(CallerCredentials credentials, CancellationToken cancellation);
}
