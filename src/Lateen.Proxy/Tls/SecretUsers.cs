using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tls;

/// <summary>What all contexts that are made from secrets have in common.</summary>
internal static class SecretUsers
{
    /// <summary>
    /// Makes a context from secrets that stand in the configuration, if all of them do: so that what is wrong with them is told where the
    /// context is compiled. Otherwise it is made when the others have come.
    /// </summary>
    public static void MakeFromConfiguration(ISecretUser user, TlsScope scope, ConfigurationErrors errors)
    {
        var errorsBefore = errors.Count;
        var contents = new SecretContent[user.Sources.Length];
        var isWhole = true;
        for (var i = 0; i < contents.Length; i++)
        {
            var source = user.Sources[i];
            var content = source.Inline is { } inline ? SecretContent.Read(inline, source.Path, errors)
                : source.IsAwaited ? null : scope.StaticSecret(source.Name!);
            if (content is null) isWhole = false;
            else contents[i] = user.Contents[i] = content;
        }

        if (isWhole && errors.Count == errorsBefore) user.Prepare(contents, errors)?.Invoke();
    }
}
