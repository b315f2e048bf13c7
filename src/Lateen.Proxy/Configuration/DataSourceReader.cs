using System.Text;
using Envoy.Config.Core.V3;

namespace Lateen.Proxy.Configuration;

/// <summary>Reads a <c>DataSource</c>: bytes or text that stand in the configuration, or a file that it names.</summary>
internal static class DataSourceReader
{
    /// <param name="source">Null: nothing.</param>
    /// <param name="maxBytes">More is refused.</param>
    /// <param name="path">Where it stands.</param>
    /// <param name="errors">Gets what is wrong.</param>
    /// <param name="limit">The field that sets the limit; null: none does.</param>
    public static ReadOnlyMemory<byte> Read(DataSource? source, uint maxBytes, FieldPath path, ConfigurationErrors errors, string? limit = null)
    {
        var bytes = source?.SpecifierCase switch
        {
            DataSource.SpecifierOneofCase.InlineString => Encoding.UTF8.GetBytes(source.InlineString),
            DataSource.SpecifierOneofCase.InlineBytes => source.InlineBytes.ToByteArray(),
            DataSource.SpecifierOneofCase.Filename => ReadFile(source.Filename, path.Field("filename"), errors),
            _ => [],
        };
        if (bytes.Length <= maxBytes) return bytes;
        errors.Add(path, $"has {bytes.Length} bytes, at most {maxBytes} are allowed{(limit is null ? string.Empty : $" ({limit})")}");
        return default;
    }

    private static byte[] ReadFile(string name, FieldPath path, ConfigurationErrors errors)
    {
        try
        {
            return File.ReadAllBytes(name);
        }
        catch (IOException failure)
        {
            errors.Add(path, $"'{name}' cannot be read: {FileFailureText.Of(failure)}");
        }
        catch (UnauthorizedAccessException failure)
        {
            errors.Add(path, $"'{name}' cannot be read: {FileFailureText.Of(failure)}");
        }

        return [];
    }
}
