using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Lateen.Http;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>Changes of a request's query that an authorization service asks for.</summary>
internal static class QueryChanges
{
    /// <summary>First what is to go goes, then what is to be set stands at the end, escaped.</summary>
    /// <returns>Path and query; null when they cannot be a request's.</returns>
    public static byte[]? Apply(HttpRequestHead request, OkHttpResponse answer)
    {
        var query = new List<byte>();
        ReadOnlySpan<byte> rest = request.Query;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'&');
            ReadOnlySpan<byte> one = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            int equals = one.IndexOf((byte)'=');
            string name = Uri.UnescapeDataString(Encoding.Latin1.GetString(equals < 0 ? one : one[..equals]));
            if (answer.QueryParametersToRemove.Contains(name) || answer.QueryParametersToSet.Any(set => set.Key == name)) continue;
            if (query.Count > 0) query.Add((byte)'&');
            query.AddRange(one);
        }

        foreach (QueryParameter set in answer.QueryParametersToSet)
        {
            if (query.Count > 0) query.Add((byte)'&');
            query.AddRange(Encoding.ASCII.GetBytes($"{Uri.EscapeDataString(set.Key)}={Uri.EscapeDataString(set.Value)}"));
        }

        ReadOnlySpan<byte> path = request.Path;
        if (path.IsEmpty || path[0] != '/') return null;
        return query.Count == 0 ? path.ToArray() : [.. path, (byte)'?', .. query];
    }
}
