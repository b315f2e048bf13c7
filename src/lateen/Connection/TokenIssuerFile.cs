using System.Text.Json;
using Lateen.ControlPlane.Certificates.Callers;

namespace Lateen.Cli.Connection;

/// <summary>
/// Reads what an operator says of an issuer of JWTs, in the shape of Istio's JWT_RULE: <c>issuer</c>, <c>audiences</c>, <c>jwks</c> (a text, or the set itself), and our
/// <c>namespaceClaim</c> and <c>serviceAccountClaim</c>. Any other field is refused.
/// </summary>
internal static class TokenIssuerFile
{
    public static TokenIssuer Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(path));
            string? issuer = null, jwks = null, space = null, account = null;
            string[] audiences = [];
            foreach (var field in document.RootElement.EnumerateObject())
            {
                switch (field.Name)
                {
                    case "issuer":
                        issuer = field.Value.GetString();
                        break;
                    case "audiences":
                        audiences = [.. field.Value.EnumerateArray().Select(one => one.GetString() ?? "")];
                        break;
                    case "jwks":
                        jwks = field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString() : field.Value.GetRawText();
                        break;
                    case "namespaceClaim":
                        space = field.Value.GetString();
                        break;
                    case "serviceAccountClaim":
                        account = field.Value.GetString();
                        break;
                    default:
                        throw Wrong(path, $"the field '{field.Name}' is not known (keys are given inline: jwks)");
                }
            }

            if (issuer is null || jwks is null || audiences.Length == 0) throw Wrong(path, "issuer, audiences and jwks are needed");
            return new TokenIssuer { Issuer = issuer, Audiences = audiences, Jwks = jwks, NamespaceClaim = space, ServiceAccountClaim = account };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            throw Wrong(path, e.Message);
        }
    }

    private static CliException Wrong(string path, string reason) => new(ExitCode.Refused, $"--token-issuer: {path}: {reason}");
}
