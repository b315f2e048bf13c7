using Lateen.Http;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Routing;

/// <summary>
/// Header rules of a route, its virtual host, its table and, if there is one, the chosen weighted cluster, as one list in the order in
/// which Envoy applies them: each level removes before it adds; the most specific level is first, or last when the table says that it
/// wins.
/// </summary>
/// <remarks>Immutable. Applying it allocates nothing beyond what the header block needs to grow.</remarks>
public sealed class HeaderMutations
{
    public static readonly HeaderMutations None = new([]);

    private const int ValueBytesOnStack = 256;

    private readonly HeaderMutation[] _steps;

    internal HeaderMutations(HeaderMutation[] steps) => _steps = steps;

    public bool IsEmpty => _steps.Length == 0;

    internal ReadOnlySpan<HeaderMutation> Steps => _steps;

    /// <summary>Changes the headers in place.</summary>
    /// <remarks><paramref name="exchange"/>: Answers the operators in header values.</remarks>
    public void Apply(HeaderBlock headers, IAccessLogRecord exchange)
    {
        foreach (var step in _steps)
        {
            switch (step.Kind)
            {
                case HeaderMutationKind.Remove: headers.Remove(step.Name); break;
                case HeaderMutationKind.AddIfAbsent when headers.IndexOf(step.Name) >= 0: break;
                case HeaderMutationKind.OverwriteIfExists when headers.IndexOf(step.Name) < 0: break;
                default: Put(headers, step, exchange); break;
            }
        }
    }

    private static void Put(HeaderBlock headers, HeaderMutation step, IAccessLogRecord exchange)
    {
        if (step.Literal is { } literal)
        {
            Put(headers, step, literal);
            return;
        }

        var value = new ByteBuilder(stackalloc byte[ValueBytesOnStack]);
        step.Template!.Write(exchange, ref value);
        Put(headers, step, value.Written);
        value.Dispose();
    }

    private static void Put(HeaderBlock headers, HeaderMutation step, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty && !step.KeepsEmpty) return;
        if (step.Kind is HeaderMutationKind.Overwrite or HeaderMutationKind.OverwriteIfExists) headers.Set(step.Name, value);
        else headers.Add(step.Name, value);
    }
}

/// <summary>What one header rule does (<c>HeaderAppendAction</c>, or a removal).</summary>
internal enum HeaderMutationKind
{
    Remove,
    Append,
    AddIfAbsent,
    Overwrite,
    OverwriteIfExists,
}

/// <summary>One header rule.</summary>
internal sealed class HeaderMutation
{
    public required HeaderMutationKind Kind { get; init; }

    public required HeaderName Name { get; init; }

    /// <summary>The value when it does not depend on the request.</summary>
    public byte[]? Literal { get; init; }

    /// <summary>Set when <see cref="Literal"/> is not, except on removals.</summary>
    public HeaderTemplate? Template { get; init; }

    /// <summary>A value that comes out empty is still set.</summary>
    public bool KeepsEmpty { get; init; }
}
