namespace Lateen.Proxy.Routing;

/// <summary>
/// Finds the virtual host of an authority in Envoy's order: the exact domain, then suffix wildcards from the longest to the shortest, then
/// prefix wildcards likewise, then <c>*</c>.
/// </summary>
/// <remarks>
/// Immutable after <see cref="TryAdd"/> is done with. It gives numbers of virtual hosts and not the hosts, so that a table in which hosts
/// changed but no domain did shares the index of the table before. Exact domains lie in one open-addressing table over hashes made when the
/// domain was read. Wildcards, of which there are few lengths, have one table per length.
/// </remarks>
internal sealed class DomainIndex(int expectedDomains)
{
    private readonly Table _exact = new(expectedDomains);
    private readonly SortedList<int, Table> _suffixes = new(LongestFirst);
    private readonly SortedList<int, Table> _prefixes = new(LongestFirst);

    private static readonly Comparer<int> LongestFirst = Comparer<int>.Create(static (a, b) => b.CompareTo(a));

    private int _everything = None;

    /// <summary>What <see cref="Find"/> gives when no domain matches.</summary>
    public const int None = -1;

    /// <summary>False when the domain is there already.</summary>
    public bool TryAdd(DomainName domain, int host)
    {
        switch (domain.Kind)
        {
            case DomainKind.Exact: return _exact.TryAdd(domain, host);
            case DomainKind.SuffixWildcard: return TableOf(_suffixes, domain).TryAdd(domain, host);
            case DomainKind.PrefixWildcard: return TableOf(_prefixes, domain).TryAdd(domain, host);
            default:
                if (_everything != None) return false;
                _everything = host;
                return true;
        }
    }

    /// <summary>The number of the virtual host; <see cref="None"/> when no domain matches.</summary>
    /// <param name="authority">In lower case.</param>
    public int Find(ReadOnlySpan<byte> authority)
    {
        if (authority.IsEmpty) return _everything;
        if (_exact.Find(authority) is not None and var exact) return exact;

        for (var i = 0; i < _suffixes.Count; i++)
        {
            var length = _suffixes.GetKeyAtIndex(i);
            if (length < authority.Length && _suffixes.GetValueAtIndex(i).Find(authority[^length..]) is not None and var host) return host;
        }

        for (var i = 0; i < _prefixes.Count; i++)
        {
            var length = _prefixes.GetKeyAtIndex(i);
            if (length < authority.Length && _prefixes.GetValueAtIndex(i).Find(authority[..length]) is not None and var host) return host;
        }

        return _everything;
    }

    private static Table TableOf(SortedList<int, Table> tables, DomainName domain)
    {
        if (!tables.TryGetValue(domain.Literal.Length, out var table)) tables.Add(domain.Literal.Length, table = new Table(4));
        return table;
    }

    private sealed class Table(int expected)
    {
        private Slot[] _slots = new Slot[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(expected * 2, 4))];
        private int _count;

        public bool TryAdd(DomainName domain, int host)
        {
            if (_count * 2 >= _slots.Length) Grow();
            if (!TryPlace(_slots, domain, host)) return false;
            _count++;
            return true;
        }

        public int Find(ReadOnlySpan<byte> key)
        {
            if (_count == 0) return None;
            var slots = _slots;
            var mask = slots.Length - 1;
            var hash = ByteKey.Hash(key);
            for (var at = (int)hash & mask; ; at = (at + 1) & mask)
            {
                ref readonly var slot = ref slots[at];
                if (slot.Domain is null) return None;
                if (slot.Domain.Hash == hash && key.SequenceEqual(slot.Domain.Literal)) return slot.Host;
            }
        }

        private static bool TryPlace(Slot[] slots, DomainName domain, int host)
        {
            var mask = slots.Length - 1;
            for (var at = (int)domain.Hash & mask; ; at = (at + 1) & mask)
            {
                ref var slot = ref slots[at];
                if (slot.Domain is null)
                {
                    slot = new Slot(domain, host);
                    return true;
                }

                if (slot.Domain.Hash == domain.Hash && slot.Domain.Literal.AsSpan().SequenceEqual(domain.Literal)) return false;
            }
        }

        private void Grow()
        {
            var larger = new Slot[_slots.Length * 2];
            foreach (var slot in _slots)
            {
                if (slot.Domain is not null) TryPlace(larger, slot.Domain, slot.Host);
            }

            _slots = larger;
        }

        private readonly record struct Slot(DomainName? Domain, int Host);
    }
}
