namespace Lateen.Yaml;

/// <summary>The three shapes a YAML (and so a JSON) value can take.</summary>
public enum YamlKind
{
    Mapping,
    Sequence,
    Scalar,
}

/// <summary>
/// One value of a parsed or built document: a <see cref="YamlMapping"/>, a <see cref="YamlSequence"/> or a <see cref="YamlScalar"/>.
/// It remembers where it stood in the text, so that whoever finds fault with it can say where.
/// </summary>
/// <remarks>
/// Immutable and free to share between threads. An alias (<c>*name</c>) yields the very node of its anchor, so a document may be a graph
/// without cycles rather than a tree; <see cref="ExpandedCount"/> is what a walk over all paths would visit, and the reader bounds it.
/// </remarks>
public abstract class YamlNode
{
    private protected YamlNode(YamlPosition position)
    {
        Position = position;
    }

    public abstract YamlKind Kind { get; }

    /// <summary>Where the node begins in its text; <see cref="YamlPosition.None"/> for a node that was built by a program.</summary>
    public YamlPosition Position { get; }

    /// <summary>1-based line of the node's first character; 0 for a built node.</summary>
    public int Line => Position.Line;

    /// <summary>1-based column, counted in UTF-16 units, of the node's first character; 0 for a built node.</summary>
    public int Column => Position.Column;

    /// <summary>Nodes below and including this one when every alias is written out. Saturates at <see cref="int.MaxValue"/>.</summary>
    public abstract int ExpandedCount { get; }

    /// <summary>What the value is, in words for a message to a person: "a mapping", "a string", "a number".</summary>
    public abstract string Description { get; }

    public YamlMapping? AsMapping() => this as YamlMapping;

    public YamlSequence? AsSequence() => this as YamlSequence;

    public YamlScalar? AsScalar() => this as YamlScalar;

    /// <summary>True for a scalar that resolves to null: <c>null</c>, <c>~</c> or nothing at all.</summary>
    public bool IsNull => this is YamlScalar { Type: YamlScalarType.Null };

    private protected static int SaturatedSum(int left, int right) => (int)Math.Min((long)left + right, int.MaxValue);
}

/// <summary>A place in a text: 1-based line and column; the default value (0, 0) means "no text".</summary>
public readonly record struct YamlPosition(int Line, int Column)
{
    public static YamlPosition None => default;

    /// <summary><c>line:column</c>, or the empty string for <see cref="None"/>.</summary>
    public override string ToString() => Line == 0 ? string.Empty : $"{Line}:{Column}";
}
