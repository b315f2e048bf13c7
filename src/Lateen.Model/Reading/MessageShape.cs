using System.Collections.Immutable;

namespace Lateen.Model.Reading;

/// <summary>What this release does with a field.</summary>
public enum FieldStatus
{
    /// <summary>Translated: proxies obey it.</summary>
    InEffect = 0,

    /// <summary>Parsed and checked, not translated: writing it draws a warning that names it.</summary>
    Pending = 1,

    /// <summary>Never had an effect in Istio either; a warning says so.</summary>
    Inert = 2,

    /// <summary>In effect, but Istio has a newer way to write it; a warning names that.</summary>
    Deprecated = 3,
}

/// <summary>A field that a message may hold.</summary>
/// <param name="Shape">Shape of the value, of the list's items, or of the map's values; null for plain values.</param>
/// <param name="Note">For <see cref="FieldStatus.Deprecated"/> what to write instead; otherwise a remark for the documentation.</param>
public sealed record ShapeField(string Name, FieldStatus Status, MessageShape? Shape, string? Note)
{
    internal static ShapeField InEffect(string name, MessageShape? shape = null, string? note = null) => new(name, FieldStatus.InEffect, shape, note);

    internal static ShapeField Pending(string name, MessageShape? shape = null, string? note = null) => new(name, FieldStatus.Pending, shape, note);

    internal static ShapeField Inert(string name, string? note = null) => new(name, FieldStatus.Inert, null, note);

    internal static ShapeField Deprecated(string name, string note, MessageShape? shape = null) => new(name, FieldStatus.Deprecated, shape, note);
}

/// <summary>
/// The fields of a message of the configuration language and what this release does with each. Readers read nothing that is not in their
/// shape, docs/configuration.md is checked against it, and a field outside it is an error.
/// </summary>
public sealed class MessageShape
{
    private readonly ImmutableArray<ShapeField> _fields;

    internal MessageShape(string name, params ReadOnlySpan<ShapeField> fields)
    {
        Name = name;
        _fields = [.. fields];
    }

    /// <summary>Istio's or Kubernetes' name of the message.</summary>
    public string Name { get; }

    public ImmutableArray<ShapeField> Fields => _fields;

    /// <summary>Null when the message has no such field.</summary>
    public ShapeField? Find(string name)
    {
        foreach (var field in _fields)
            if (field.Name == name) return field;
        return null;
    }
}
