using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Lateen.Translation.Outbound;

/// <summary>Whether two lists hold the very same objects in the same order: what "nothing changed" means where objects are immutable.</summary>
internal static class SameObjects
{
    public static bool In<T>(ImmutableArray<T> was, ImmutableArray<T> now)
        where T : class => was == now || In(was.AsSpan(), now.AsSpan());

    public static bool In<T>(List<T> was, List<T> now)
        where T : class => In(CollectionsMarshal.AsSpan(was), CollectionsMarshal.AsSpan(now));

    private static bool In<T>(ReadOnlySpan<T> was, ReadOnlySpan<T> now)
        where T : class
    {
        if (was.Length != now.Length) return false;
        for (int i = 0; i < was.Length; i++)
        {
            if (!ReferenceEquals(was[i], now[i])) return false;
        }

        return true;
    }
}
