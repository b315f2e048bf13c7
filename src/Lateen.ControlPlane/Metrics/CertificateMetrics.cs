using System.Text;

namespace Lateen.ControlPlane.Metrics;

/// <summary>Figures of the certificate service, under the names of Istio's citadel. Interlocked; some per certificate, none per request of the mesh.</summary>
public sealed class CertificateMetrics
{
    private long _requests;
    private long _issued;
    private long _malformed;
    private long _unauthenticated;
    private long _denied;
    private long _limited;
    private long _signingFailed;

    public void Requested() => Interlocked.Increment(ref _requests);

    public void Issued() => Interlocked.Increment(ref _issued);

    /// <summary>The request itself was no good.</summary>
    public void Malformed() => Interlocked.Increment(ref _malformed);

    /// <summary>Nobody known asked.</summary>
    public void Unauthenticated() => Interlocked.Increment(ref _unauthenticated);

    /// <summary>Somebody known asked for what is not his.</summary>
    public void Denied() => Interlocked.Increment(ref _denied);

    /// <summary>Refused by the way, without a line in the log, because too much of its kind came.</summary>
    public void Limited() => Interlocked.Increment(ref _limited);

    /// <summary>The authority could not sign.</summary>
    public void SigningFailed() => Interlocked.Increment(ref _signingFailed);

    internal void Render(StringBuilder page)
    {
        Counter(page, "citadel_server_csr_count", "Certificates asked for", ref _requests);
        Counter(page, "citadel_server_success_cert_issuance_count", "Certificates issued", ref _issued);
        Counter(page, "citadel_server_csr_parsing_err_count", "Requests that were malformed or asked for what is not given", ref _malformed);
        Counter(page, "citadel_server_authentication_failure_count", "Callers that could not prove who they are", ref _unauthenticated);
        Counter(page, "citadel_server_id_extraction_err_count", "Callers that asked for an identity which is not theirs", ref _denied);
        Counter(page, "citadel_server_csr_sign_err_count", "Requests that the authority could not sign", ref _signingFailed);
        Counter(page, "lateen_ca_limited_count", "Refusals that were counted and not logged because too many came", ref _limited);
    }

    private static void Counter(StringBuilder page, string name, string meaning, ref long value) =>
        ControlPlaneMetrics.Single(page, name, "counter", meaning, Interlocked.Read(ref value));
}
