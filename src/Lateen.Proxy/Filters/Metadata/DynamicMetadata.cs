namespace Lateen.Proxy.Filters.Metadata;

/// <summary>
/// What the filters of one exchange, or of one connection, leave for each other and for the access log: Envoy's dynamic metadata, a struct per
/// namespace, such as the claims of a token under <c>envoy.filters.http.jwt_authn</c>.
/// </summary>
/// <remarks>
/// <para>Values lie in one array of nodes and one of bytes, and refer to each other by index; both are kept for the next exchange, so that
/// nothing is allocated in steady state, and nothing at all where no filter writes.</para>
/// <para>Bounded, since what is in it may come from a client: <see cref="MaxNodes"/>, <see cref="MaxBytes"/>, <see cref="MaxDepth"/>. A write
/// beyond is refused and <see cref="IsOverflowed"/> says so for the rest of the exchange: whoever decides by metadata must not take the
/// absence of a value for its truth then.</para>
/// <para>Owned by one reactor.</para>
/// </remarks>
public sealed class DynamicMetadata
{
    /// <summary>Values, structs and lists included. Count.</summary>
    public const int MaxNodes = 4096;

    /// <summary>Octets of keys and texts.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Structs and lists within each other, the namespace's own struct included. Count.</summary>
    public const int MaxDepth = 32;

    /// <summary>What is kept between exchanges. Count and octets; more is given to the collector.</summary>
    private const int RetainedNodes = 256;
    private const int RetainedBytes = 8 * 1024;

    private Node[] _nodes = [];
    private byte[] _bytes = [];
    private int _nodeCount;
    private int _byteCount;

    /// <summary>No filter has written anything.</summary>
    public bool IsEmpty => _nodeCount == 0;

    /// <summary>A write was refused for want of room.</summary>
    public bool IsOverflowed { get; private set; }

    /// <summary>The struct of a namespace; missing when no filter has written to it.</summary>
    public MetadataValue this[ReadOnlySpan<byte> filterNamespace] => _nodeCount == 0 ? default : ChildAt(0, filterNamespace);

    /// <summary>The struct of a namespace, made if it is not there yet. Missing when the store is full.</summary>
    public MetadataValue Open(ReadOnlySpan<byte> filterNamespace)
    {
        if (_nodeCount == 0) NewNode(MetadataKind.Struct, default, depth: 0);
        MetadataValue found = ChildAt(0, filterNamespace);
        if (!found.IsMissing) return found;
        int made = Put(0, filterNamespace, MetadataKind.Struct, default, 0);
        return made < 0 ? default : new MetadataValue(this, made);
    }

    /// <summary>Forgets everything.</summary>
    public void Reset()
    {
        if (_nodeCount == 0) return;
        _nodeCount = 0;
        _byteCount = 0;
        IsOverflowed = false;
        if (_nodes.Length > RetainedNodes) _nodes = [];
        if (_bytes.Length > RetainedBytes) _bytes = [];
    }

    internal MetadataKind KindAt(int index) => _nodes[index].Kind;

    internal ReadOnlySpan<byte> TextAt(int index) => _bytes.AsSpan(_nodes[index].TextStart, _nodes[index].TextLength);

    internal ReadOnlySpan<byte> KeyAt(int index) => _bytes.AsSpan(_nodes[index].KeyStart, _nodes[index].KeyLength);

    internal double NumberAt(int index) => _nodes[index].Number;

    internal MetadataValue FirstAt(int index) => At(_nodes[index].First);

    internal MetadataValue NextAt(int index) => At(_nodes[index].Next);

    internal MetadataValue ChildAt(int index, ReadOnlySpan<byte> key)
    {
        if (_nodes[index].Kind != MetadataKind.Struct) return default;
        for (int child = _nodes[index].First; child > 0; child = _nodes[child].Next)
        {
            if (KeyAt(child).SequenceEqual(key)) return new MetadataValue(this, child);
        }

        return default;
    }

    /// <summary>Puts a value under a key of the struct at <paramref name="parent"/>.</summary>
    /// <returns>Its index, or -1.</returns>
    internal int Put(int parent, ReadOnlySpan<byte> key, MetadataKind kind, ReadOnlySpan<byte> text, double number)
    {
        if (_nodes[parent].Kind != MetadataKind.Struct) return -1;
        for (int child = _nodes[parent].First; child > 0; child = _nodes[child].Next)
        {
            if (!KeyAt(child).SequenceEqual(key)) continue;
            if (!HasRoom(nodes: 0, text.Length)) return -1;
            ref Node replaced = ref _nodes[child];
            replaced.First = replaced.Last = 0;
            return Fill(child, kind, text, number);
        }

        if (!HasRoom(nodes: 1, key.Length + text.Length)) return -1;
        int made = Link(parent, kind);
        if (made < 0) return -1;
        (_nodes[made].KeyStart, _nodes[made].KeyLength) = (Store(key), key.Length);
        return Fill(made, kind, text, number);
    }

    /// <summary>Appends a value to the list at <paramref name="parent"/>.</summary>
    /// <returns>Its index, or -1.</returns>
    internal int Append(int parent, MetadataKind kind, ReadOnlySpan<byte> text, double number)
    {
        if (_nodes[parent].Kind != MetadataKind.List || !HasRoom(nodes: 1, text.Length)) return -1;
        int made = Link(parent, kind);
        return made < 0 ? -1 : Fill(made, kind, text, number);
    }

    private MetadataValue At(int index) => index == 0 ? default : new MetadataValue(this, index);

    private bool HasRoom(int nodes, int octets)
    {
        if (_nodeCount + nodes <= MaxNodes && octets <= MaxBytes - _byteCount) return true;
        IsOverflowed = true;
        return false;
    }

    private int Link(int parent, MetadataKind kind)
    {
        int depth = _nodes[parent].Depth + 1;
        if (depth > MaxDepth && kind is MetadataKind.Struct or MetadataKind.List)
        {
            IsOverflowed = true;
            return -1;
        }

        int made = NewNode(kind, default, depth);
        ref Node container = ref _nodes[parent];
        if (container.First == 0) container.First = made;
        else _nodes[container.Last].Next = made;
        container.Last = made;
        return made;
    }

    private int Fill(int index, MetadataKind kind, ReadOnlySpan<byte> text, double number)
    {
        int start = Store(text);
        ref Node node = ref _nodes[index];
        node.Kind = kind;
        node.Number = number;
        node.TextStart = start;
        node.TextLength = text.Length;
        return index;
    }

    private int NewNode(MetadataKind kind, double number, int depth)
    {
        if (_nodeCount == _nodes.Length) Array.Resize(ref _nodes, Math.Max(16, _nodes.Length * 2));
        _nodes[_nodeCount] = new Node { Kind = kind, Number = number, Depth = (byte)depth };
        return _nodeCount++;
    }

    private int Store(ReadOnlySpan<byte> text)
    {
        if (text.Length > _bytes.Length - _byteCount) Array.Resize(ref _bytes, Math.Max(Math.Max(256, _bytes.Length * 2), _byteCount + text.Length));
        int start = _byteCount;
        text.CopyTo(_bytes.AsSpan(start));
        _byteCount += text.Length;
        return start;
    }

    /// <summary>Index 0 is the root, which is nobody's child: as a link it means that there is none.</summary>
    private struct Node
    {
        public double Number;
        public int KeyStart;
        public int KeyLength;
        public int TextStart;
        public int TextLength;
        public int First;
        public int Last;
        public int Next;
        public MetadataKind Kind;
        public byte Depth;
    }
}
