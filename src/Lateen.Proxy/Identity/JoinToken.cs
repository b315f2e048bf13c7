using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Envoy.Config.Core.V3;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Identity;

/// <summary>Reads the join token, which is a secret: no message repeats it.</summary>
internal static class JoinToken
{
    /// <summary>Octets. Hit: refused. A Kubernetes token has some 1,200.</summary>
    public const uint MaxBytes = 16 * 1024;

    /// <summary>RFC 6750 2.1: what may stand behind <c>Bearer</c>.</summary>
    private static readonly SearchValues<byte> Characters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="u8);

    /// <returns>False with the reason when there is none that could be sent.</returns>
    public static bool TryRead(DataSource source, [NotNullWhen(true)] out string? token, [NotNullWhen(false)] out string? reason)
    {
        token = null;
        reason = null;
        var errors = new ConfigurationErrors();
        var bytes = DataSourceReader.Read(source, MaxBytes, FieldPath.Root.Field("join_token"), errors).Span.Trim(" \t\r\n"u8);
        if (errors.Any) reason = errors.All[0].ToString();
        else if (bytes.IsEmpty) reason = "join_token: is empty";
        else if (bytes.ContainsAnyExcept(Characters)) reason = "join_token: has characters that no bearer token has (RFC 6750 2.1)";
        else token = System.Text.Encoding.ASCII.GetString(bytes);
        return token is not null;
    }
}
