using System.Collections.Frozen;

namespace Lateen.Proxy.Admin;

/// <summary>A request to the admin server: path and query parameters, decoded.</summary>
public sealed class AdminRequest
{
    private readonly FrozenDictionary<string, string> _query;

    private AdminRequest(bool isPost, string path, FrozenDictionary<string, string> query)
    {
        IsPost = isPost;
        Path = path;
        _query = query;
    }

    public bool IsPost { get; }

    public string Path { get; }

    /// <summary>Names of all parameters.</summary>
    public IEnumerable<string> Names => _query.Keys;

    /// <summary>The value of a parameter; null when it is not there, empty when it has none (<c>?usedonly</c>).</summary>
    public string? this[string name] => _query.GetValueOrDefault(name);

    public bool Has(string name) => _query.ContainsKey(name);

    /// <summary>Reads a path with its query. A parameter given twice counts with its first value.</summary>
    public static AdminRequest Read(bool isPost, string path, string query)
    {
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var name = Decode(equals < 0 ? pair : pair[..equals]);
            parameters.TryAdd(name, equals < 0 ? string.Empty : Decode(pair[(equals + 1)..]));
        }

        return new AdminRequest(isPost, Uri.UnescapeDataString(path), parameters.ToFrozenDictionary(StringComparer.Ordinal));
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
