using Lateen.Cli.Connection;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Bootstrap;

/// <summary>Gets from the control plane what a workload needs to join, and writes it into files: the roots for all to read, the token for its owner alone.</summary>
internal static class TokenFiles
{
    /// <param name="request">Whom the token admits, how often and how long.</param>
    /// <returns>The identity section, and the address of the secure port as the control plane says it.</returns>
    public static async Task<(IdentityBootstrap Identity, string SecureAddress)> WriteAsync(
        ControlPlaneClient client, TokenRequest request, string tokenFile, string rootFile, CancellationToken cancellation)
    {
        var roots = await client.GetAsync("api/v1/ca/roots", ApiJson.Default.RootsResponse, cancellation);
        var status = await client.GetAsync("api/v1/ca", ApiJson.Default.AuthorityStatusResponse, cancellation);
        var token = await client.PostAsync("api/v1/ca/tokens", request, ApiJson.Default.TokenRequest, ApiJson.Default.TokenResponse, cancellation);
        tokenFile = Path.GetFullPath(tokenFile);
        rootFile = Path.GetFullPath(rootFile);
        try
        {
            await File.WriteAllTextAsync(rootFile, roots.Pem, cancellation);
            File.Delete(tokenFile);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            await using var stream = new FileStream(tokenFile, options);
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(token.Token + "\n"), cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.Refused, e.Message, "choose other places with --join-token-file and --root-file");
        }

        return (new IdentityBootstrap(roots.TrustDomain, roots.Server, rootFile, tokenFile), status.SecureAddress);
    }
}
