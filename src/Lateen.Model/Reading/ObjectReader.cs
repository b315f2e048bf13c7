using System.Collections.Immutable;
using System.Globalization;
using Lateen.Yaml;

namespace Lateen.Model.Reading;

/// <summary>
/// Reads the fields of one mapping by name, reporting what is wrong with each and going on. Opening it has already reported the fields
/// that the shape does not know and those that are not in effect. A value that is absent, null or wrong reads as null or empty, so a
/// reader never needs to ask; whether the resource is refused is decided at the end, by the errors in the context.
/// </summary>
internal sealed partial class ObjectReader
{
    private readonly YamlMapping _mapping;
    private readonly MessageShape _shape;
    private readonly bool _isPending;

    private ObjectReader(ReadContext context, YamlMapping mapping, FieldPath path, MessageShape shape, bool isPending)
    {
        Context = context;
        Path = path;
        _mapping = mapping;
        _shape = shape;
        _isPending = isPending;
    }

    public ReadContext Context { get; }

    public FieldPath Path { get; }

    public SourceLocation Location => Context.Locate(_mapping.Position);

    /// <param name="isPending">True below a field that is not in effect: what it holds need not be said again.</param>
    /// <returns>Null, after a report, when the node is not a mapping.</returns>
    public static ObjectReader? Open(ReadContext context, YamlNode node, FieldPath path, MessageShape shape, bool isPending = false)
    {
        if (node is not YamlMapping mapping)
        {
            context.Report(DiagnosticCodes.WrongType, path, node, $"expects a mapping ({shape.Name}), found {node.Description}");
            return null;
        }

        var reader = new ObjectReader(context, mapping, path, shape, isPending);
        foreach (var entry in mapping) reader.CheckEntry(entry);
        return reader;
    }

    private void CheckEntry(YamlEntry entry)
    {
        if (_shape.Find(entry.Name) is not { } field)
        {
            Context.Report(
                DiagnosticCodes.UnknownField, Path.Field(entry.Name), entry.Key, $"{_shape.Name} has no field '{entry.Name}'",
                DidYouMean.Hint(entry.Name, _shape.Fields.Select(known => known.Name)));
            return;
        }

        if (entry.Value.IsNull) return;
        switch (field.Status)
        {
            case FieldStatus.Pending when !_isPending:
                Context.Report(
                    DiagnosticCodes.NotInEffect, Path.Field(entry.Name), entry.Key,
                    $"'{entry.Name}' is valid, but this release does not act on it yet", field.Note);
                break;
            case FieldStatus.Inert:
                Context.Report(
                    DiagnosticCodes.InertField, Path.Field(entry.Name), entry.Key, $"'{entry.Name}' has no effect, in Istio neither", field.Note);
                break;
            case FieldStatus.Deprecated:
                Context.Report(
                    DiagnosticCodes.DeprecatedField, Path.Field(entry.Name), entry.Key, $"'{entry.Name}' is deprecated", field.Note);
                break;
        }
    }

    /// <summary>Reports at this mapping. Not an overload of Report: two strings would be taken for message and hint.</summary>
    public void ReportHere(DiagnosticCode code, string message, string? hint = null) => Context.Report(code, Path, _mapping, message, hint);

    /// <summary>Reports at a field: at its value where it is written, at the mapping where it is not.</summary>
    public void Report(DiagnosticCode code, string field, string message, string? hint = null) =>
        Context.Report(code, Path.Field(field), Node(field) ?? _mapping, message, hint);

    /// <summary>Reports at an item of a list field, or at an entry of a map field.</summary>
    public void ReportItem(DiagnosticCode code, string field, int index, string message, string? hint = null) =>
        Context.Report(code, Path.Field(field).Item(index), (Node(field) as YamlSequence)?[index] ?? _mapping, message, hint);

    /// <inheritdoc cref="ReportItem"/>
    public void ReportKey(DiagnosticCode code, string field, string key, string message, string? hint = null)
    {
        var entry = (Node(field) as YamlMapping)?.FirstOrDefault(candidate => candidate.Name == key);
        Context.Report(code, Path.Field(field).Key(key), (YamlNode?)entry?.Key ?? _mapping, message, hint);
    }

    /// <summary>Says that a value, not the whole field, is without effect in this release.</summary>
    public void ReportNotInEffect(string field, string message, string? hint = null, int item = -1)
    {
        if (_isPending) return;
        if (item >= 0) ReportItem(DiagnosticCodes.NotInEffect, field, item, message, hint);
        else Report(DiagnosticCodes.NotInEffect, field, message, hint);
    }

    /// <summary>True when the field is written and not null.</summary>
    public bool Has(string field) => Node(field) is not null;

    /// <summary>True when the field is not written, or is a list without items: in a message of protobuf these are the same.</summary>
    public bool Lacks(string field) => Node(field) is null or YamlSequence { Count: 0 };

    /// <summary>Reports <see cref="DiagnosticCodes.MissingField"/> when the message lacks the field.</summary>
    public bool Require(string field, string? hint = null)
    {
        if (!Lacks(field)) return true;
        Report(DiagnosticCodes.MissingField, field, $"{_shape.Name} needs '{field}'", hint);
        return false;
    }

    /// <summary>Reports when more than one of the fields is written.</summary>
    public void AtMostOne(params ReadOnlySpan<string> fields)
    {
        string? first = null;
        foreach (var field in fields)
        {
            if (!Has(field)) continue;
            if (first is not null)
                Report(DiagnosticCodes.ExclusiveFields, field, $"'{field}' and '{first}' exclude each other", "keep one of them");
            first ??= field;
        }
    }

    public string? String(string field)
    {
        switch (Node(field))
        {
            case null: return null;
            case YamlScalar { Type: YamlScalarType.String } scalar: return scalar.Text;
            case var node:
                WrongType(field, node, "a string", node is YamlScalar scalarNode ? $"write \"{scalarNode.Text}\" in quotes" : null);
                return null;
        }
    }

    /// <summary>As <see cref="String"/>, but the empty string is no string: in a message of protobuf it is the same as none, and charts write it.</summary>
    public string? NonEmptyString(string field) => String(field) is { Length: > 0 } value ? value : null;

    /// <summary>A string that must be there and not be empty; reads as null, after a report, when it is not.</summary>
    public string? RequiredString(string field)
    {
        if (!Require(field)) return null;
        var value = String(field);
        if (value is { Length: 0 }) Report(DiagnosticCodes.MissingField, field, $"'{field}' must not be empty");
        return value is { Length: > 0 } ? value : null;
    }

    public bool? Boolean(string field)
    {
        var node = Node(field);
        if (node is null) return null;
        if (node is YamlScalar scalar && scalar.TryGetBoolean(out var value)) return value;
        WrongType(field, node, "true or false");
        return null;
    }

    public int? Int32(string field, int min = int.MinValue, int max = int.MaxValue) => (int?)Integer(field, min, max);

    public uint? UInt32(string field, uint min = 0, uint max = uint.MaxValue) => (uint?)Integer(field, min, max);

    public ulong? UInt64(string field) => (ulong?)Integer(field, 0, long.MaxValue);

    /// <summary>A port number, 1 to 65535.</summary>
    public int? Port(string field)
    {
        var node = Node(field);
        if (node is null) return null;
        if (ReadPort(node) is { } port) return port;
        Report(DiagnosticCodes.InvalidPort, field, $"{Quote(node)} is not a port number", "1 to 65535");
        return null;
    }

    public static int? ReadPort(YamlNode node) =>
        node is YamlScalar scalar && scalar.TryGetInt64(out var value) && value is >= 1 and <= 65535 ? (int)value : null;

    public double? Double(string field, double min = double.MinValue, double max = double.MaxValue)
    {
        var node = Node(field);
        if (node is null) return null;
        if (node is not YamlScalar scalar || !scalar.TryGetDouble(out var value) || !double.IsFinite(value))
        {
            WrongType(field, node, "a number");
            return null;
        }

        if (value >= min && value <= max) return value;
        Report(DiagnosticCodes.OutOfRange, field, $"{scalar.Text} is out of range", RangeHint(min, max));
        return null;
    }

    /// <summary>Reads a name of an enumeration; names are compared exactly, as Kubernetes does.</summary>
    public T? Enum<T>(string field, params ReadOnlySpan<(string Name, T Value)> names)
        where T : struct, System.Enum
    {
        if (String(field) is not { } written) return null;
        var known = new List<string>(names.Length);
        foreach (var (name, value) in names)
        {
            if (name == written) return value;
            known.Add(name);
        }

        Report(
            DiagnosticCodes.UnknownValue, field, $"'{written}' is not a value of '{field}'",
            DidYouMean.Hint(written, known) ?? $"one of {string.Join(", ", known)}");
        return null;
    }

    public ImmutableArray<string> Strings(string field)
    {
        var items = ImmutableArray.CreateBuilder<string>();
        foreach (var (index, node) in Items(field))
        {
            if (node is YamlScalar { Type: YamlScalarType.String } scalar) items.Add(scalar.Text);
            else Context.Report(
                DiagnosticCodes.WrongType, Path.Field(field).Item(index), node, $"expects a string, found {node.Description}",
                StringHint(node));
        }

        return items.ToImmutable();
    }

    public StringMap<string> StringMap(string field)
    {
        var entries = new Dictionary<string, string>();
        foreach (var entry in Entries(field))
        {
            if (entry.Value is YamlScalar { Type: YamlScalarType.String } scalar) entries[entry.Name] = scalar.Text;
            else if (entry.Value.IsNull) entries[entry.Name] = "";
            else Context.Report(
                DiagnosticCodes.WrongType, Path.Field(field).Key(entry.Name), entry.Value,
                $"expects a string, found {entry.Value.Description}", StringHint(entry.Value));
        }

        return entries.ToStringMap();
    }

    /// <summary>A map to unsigned numbers.</summary>
    public StringMap<uint> NumberMap(string field)
    {
        var entries = new Dictionary<string, uint>();
        foreach (var entry in Entries(field))
        {
            if (entry.Value is YamlScalar scalar && scalar.TryGetUInt64(out var value) && value <= uint.MaxValue)
                entries[entry.Name] = (uint)value;
            else Context.Report(
                DiagnosticCodes.WrongType, Path.Field(field).Key(entry.Name), entry.Value, $"expects a whole number, found {Quote(entry.Value)}");
        }

        return entries.ToStringMap();
    }

    /// <summary>A map from names that the user chooses to messages of the field's shape.</summary>
    public IEnumerable<(string Key, ObjectReader Value)> ObjectMap(string field)
    {
        foreach (var entry in Entries(field))
            if (Open(Context, entry.Value, Path.Field(field).Key(entry.Name), ShapeOf(field), IsPending(field)) is { } value)
                yield return (entry.Name, value);
    }

    /// <summary>Reads a message; null when it is absent, is no mapping, or its reader gives null.</summary>
    public T? Object<T>(string field, Func<ObjectReader, T?> read)
        where T : class =>
        Nested(field) is { } nested ? read(nested) : null;

    /// <summary>The reader of a message field; null when it is absent or no mapping.</summary>
    public ObjectReader? Nested(string field) =>
        Node(field) is { } node ? Open(Context, node, Path.Field(field), ShapeOf(field), IsPending(field)) : null;

    /// <summary>Reads a list of messages; items for which <paramref name="read"/> gives null are left out (they were reported).</summary>
    public ImmutableArray<T> Objects<T>(string field, Func<ObjectReader, T?> read)
        where T : class
    {
        var items = ImmutableArray.CreateBuilder<T>();
        foreach (var (index, node) in Items(field))
            if (Open(Context, node, Path.Field(field).Item(index), ShapeOf(field), IsPending(field)) is { } item && read(item) is { } value)
                items.Add(value);
        return items.ToImmutable();
    }

    /// <summary>The raw items of a list field; a report and nothing when it is no list.</summary>
    public IEnumerable<(int Index, YamlNode Node)> Items(string field)
    {
        var node = Node(field);
        if (node is null) yield break;
        if (node is not YamlSequence sequence)
        {
            WrongType(field, node, "a list", node is YamlScalar scalar ? $"write [{scalar.Text}]" : "begin each item with '- '");
            yield break;
        }

        for (var i = 0; i < sequence.Count; i++) yield return (i, sequence[i]);
    }

    /// <summary>The raw value of a field; null when it is absent or null.</summary>
    public YamlNode? Node(string field)
    {
        if (_shape.Find(field) is null) throw new InvalidOperationException($"the shape of {_shape.Name} does not declare '{field}'");
        return _mapping.TryGet(field, out var node) && !node.IsNull ? node : null;
    }

    private YamlMapping Entries(string field)
    {
        var node = Node(field);
        if (node is YamlMapping mapping) return mapping;
        if (node is not null) WrongType(field, node, "a mapping");
        return YamlMapping.Empty;
    }

    private long? Integer(string field, long min, long max)
    {
        var node = Node(field);
        if (node is null) return null;
        if (node is not YamlScalar scalar || !scalar.TryGetInt64(out var value))
        {
            WrongType(field, node, "a whole number", node is YamlScalar { Type: YamlScalarType.String } ? "write it without quotes" : null);
            return null;
        }

        if (value >= min && value <= max) return value;
        Report(DiagnosticCodes.OutOfRange, field, $"{scalar.Text} is out of range", RangeHint(min, max));
        return null;
    }

    private void WrongType(string field, YamlNode node, string expected, string? hint = null) =>
        Report(DiagnosticCodes.WrongType, field, $"'{field}' expects {expected}, found {Quote(node)}", hint);

    private MessageShape ShapeOf(string field) =>
        _shape.Find(field)?.Shape ?? throw new InvalidOperationException($"the shape of {_shape.Name} gives no shape for '{field}'");

    private bool IsPending(string field) => _isPending || _shape.Find(field)?.Status == FieldStatus.Pending;

    private static string? StringHint(YamlNode node) => node is YamlScalar scalar ? $"write \"{scalar.Text}\" in quotes" : null;

    private static string Quote(YamlNode node) => node is YamlScalar { IsNull: false } scalar ? $"'{scalar.Text}'" : node.Description;

    private static string RangeHint(double min, double max)
    {
        var culture = CultureInfo.InvariantCulture;
        if (max is >= int.MaxValue) return $"at least {min.ToString(culture)}";
        return $"{min.ToString(culture)} to {max.ToString(culture)}";
    }
}
