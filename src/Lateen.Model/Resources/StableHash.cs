namespace Lateen.Model;

/// <summary>FNV-1a, 64 bit, over UTF-16 units: the same in every process, unlike <see cref="string.GetHashCode()"/>. Not for secrets.</summary>
internal static class StableHash
{
    public static ulong Of(ReadOnlySpan<char> text)
    {
        var hash = 14695981039346656037UL;
        foreach (var unit in text) hash = (hash ^ unit) * 1099511628211UL;
        return hash;
    }
}
