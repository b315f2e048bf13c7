using System.Text;
using Envoy.Config.Core.V3;

namespace Lateen.Proxy.Configuration;

/// <summary>Reads a <c>DataSource</c>: bytes or text that stand in the configuration, or a file that it names.</summary>
internal static class DataSourceReader
{
    public static ReadOnlyMemory<byte> Read(DataSource? source, uint maxBytes, FieldPath path, ConfigurationErrors errors)
    {
        var bytes = source?.SpecifierCase switch
        {
            DataSource.SpecifierOneofCase.InlineString => Encoding.UTF8.GetBytes(source.InlineString),
            DataSource.SpecifierOneofCase.InlineBytes => source.InlineBytes.ToByteArray(),
            DataSource.SpecifierOneofCase.Filename => ReadFile(source.Filename, path.Field("filename"), errors),
            _ => [],
        };
        if (bytes.Length <= maxBytes) return bytes;
        errors.Add(path, $"has {bytes.Length} bytes, at most {maxBytes} are allowed (max_direct_response_body_size_bytes)");
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
            errors.Add(path, $"'{name}' cannot be read: {failure.Message}");
        }
        catch (UnauthorizedAccessException failure)
        {
            errors.Add(path, $"'{name}' cannot be read: {failure.Message}");
        }

        return [];
    }
}
