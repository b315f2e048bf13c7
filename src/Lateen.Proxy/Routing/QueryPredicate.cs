using System.Text;

namespace Lateen.Proxy.Routing;

/// <summary>
/// A test of one query parameter (<c>QueryParameterMatcher</c>). The first parameter of that name counts; names and values are compared as
/// they are on the wire, percent signs included, and a parameter without <c>=</c> has an empty value.
/// </summary>
/// <remarks>Immutable.</remarks>
internal sealed class QueryPredicate(string name, BytePredicate? value, bool isPresenceWanted = true)
{
    private readonly byte[] _name = Encoding.UTF8.GetBytes(name);

    public bool IsMatch(ReadOnlySpan<byte> query)
    {
        while (!query.IsEmpty)
        {
            var end = query.IndexOf((byte)'&');
            var parameter = end < 0 ? query : query[..end];
            query = end < 0 ? default : query[(end + 1)..];
            var equals = parameter.IndexOf((byte)'=');
            if (!(equals < 0 ? parameter : parameter[..equals]).SequenceEqual(_name)) continue;
            return value?.IsMatch(equals < 0 ? default : parameter[(equals + 1)..]) ?? isPresenceWanted;
        }

        return value is null && !isPresenceWanted;
    }
}
