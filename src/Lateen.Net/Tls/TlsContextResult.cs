using System.Diagnostics.CodeAnalysis;

namespace Lateen.Net.Tls;

/// <summary>A context, or why there is none, for the operator: which of the options is wrong and how. Never shows a secret.</summary>
/// <param name="Context">The context; null on failure.</param>
/// <param name="Error">One line, lower case, no full stop; null on success.</param>
/// <typeparam name="T"><see cref="TlsServerContext"/> or <see cref="TlsClientContext"/>.</typeparam>
public readonly record struct TlsContextResult<T>(T? Context, string? Error)
    where T : TlsContext
{
    [MemberNotNullWhen(true, nameof(Context))]
    [MemberNotNullWhen(false, nameof(Error))]
    public bool IsCreated => Context is not null;
}
