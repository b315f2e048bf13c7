using System.Globalization;

namespace Lateen.Yaml;

/// <summary>What a scalar means under the YAML 1.2 core schema (section 10.3.2 of the specification).</summary>
public enum YamlScalarType
{
    Null,
    Boolean,
    Integer,
    Float,
    String,
}

/// <summary>
/// A value without parts. <see cref="Text"/> is what was written, after quotes and escapes are undone; <see cref="Type"/> is what it
/// means. Quoted and block scalars are strings whatever they look like; a plain one is resolved by the core schema, so <c>yes</c>,
/// <c>on</c> and <c>1_000</c> are strings and <c>0x10</c> and <c>0o10</c> are integers.
/// </summary>
public sealed class YamlScalar : YamlNode
{
    /// <param name="text">The content, unescaped.</param>
    /// <param name="type">The resolved type; the caller vouches that <paramref name="text"/> is written in a form of that type.</param>
    /// <param name="position">Where it stood.</param>
    internal YamlScalar(string text, YamlScalarType type, YamlPosition position = default)
        : base(position)
    {
        Text = text;
        Type = type;
    }

    public static YamlScalar Null { get; } = new("null", YamlScalarType.Null);

    public override YamlKind Kind => YamlKind.Scalar;

    public override int ExpandedCount => 1;

    public string Text { get; }

    public YamlScalarType Type { get; }

    public override string Description => Type switch
    {
        YamlScalarType.Null => "null",
        YamlScalarType.Boolean => "a boolean",
        YamlScalarType.Integer or YamlScalarType.Float => "a number",
        _ => "a string",
    };

    public static YamlScalar FromString(string value) => new(value, YamlScalarType.String);

    public static YamlScalar FromBoolean(bool value) => new(value ? "true" : "false", YamlScalarType.Boolean);

    public static YamlScalar FromInteger(long value) => new(value.ToString(CultureInfo.InvariantCulture), YamlScalarType.Integer);

    public static YamlScalar FromUnsigned(ulong value) => new(value.ToString(CultureInfo.InvariantCulture), YamlScalarType.Integer);

    /// <summary>The shortest text that reads back as the same number; infinities and NaN in YAML's spelling.</summary>
    public static YamlScalar FromDouble(double value) => new(YamlNumber.Format(value), YamlScalarType.Float);

    /// <summary>The same, with the shortest text that reads back as the same single-precision number.</summary>
    public static YamlScalar FromSingle(float value) =>
        float.IsFinite(value) ? new(value.ToString("R", CultureInfo.InvariantCulture), YamlScalarType.Float) : FromDouble(value);

    /// <summary>False unless the scalar is a boolean (<c>true</c> or <c>false</c>, in lower, upper or title case, not quoted).</summary>
    public bool TryGetBoolean(out bool value)
    {
        value = Type == YamlScalarType.Boolean && (Text[0] is 't' or 'T');
        return Type == YamlScalarType.Boolean;
    }

    /// <summary>False unless the scalar is an integer that fits.</summary>
    public bool TryGetInt64(out long value)
    {
        value = 0;
        return Type == YamlScalarType.Integer && YamlNumber.TryParseInt64(Text, out value);
    }

    /// <summary>False unless the scalar is an integer, not negative, that fits.</summary>
    public bool TryGetUInt64(out ulong value)
    {
        value = 0;
        return Type == YamlScalarType.Integer && YamlNumber.TryParseUInt64(Text, out value);
    }

    /// <summary>False unless the scalar is a number; integers are numbers too.</summary>
    public bool TryGetDouble(out double value)
    {
        value = 0;
        return (Type is YamlScalarType.Integer or YamlScalarType.Float) && YamlNumber.TryParseDouble(Text, out value);
    }

    public override string ToString() => Text;
}
