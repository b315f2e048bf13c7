using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Filters;

/// <summary>What a filter wants to happen next.</summary>
public enum FilterVerdictKind : byte
{
    /// <summary>The next filter.</summary>
    Continue,

    /// <summary>The request stops here and is answered with <see cref="FilterVerdict.Reply"/>. Of no meaning once the response has begun.</summary>
    Respond,

    /// <summary>The exchange is cut without an answer.</summary>
    Reset,

    /// <summary>
    /// Nothing is decided yet. The filter wakes the exchange when it has news and is asked again by <see cref="HttpFilter.OnResume"/>; other wakes
    /// ask it too. Of a request only: a response that waits is refused.
    /// </summary>
    Wait,
}

/// <summary>A filter's verdict, as a value.</summary>
public readonly struct FilterVerdict
{
    private FilterVerdict(FilterVerdictKind kind, LocalReply? reply)
    {
        Kind = kind;
        Reply = reply;
    }

    public static FilterVerdict Continue => default;

    public static FilterVerdict Reset => new(FilterVerdictKind.Reset, null);

    public static FilterVerdict Wait => new(FilterVerdictKind.Wait, null);

    public FilterVerdictKind Kind { get; }

    /// <summary>Set when <see cref="Kind"/> is <see cref="FilterVerdictKind.Respond"/>.</summary>
    public LocalReply? Reply { get; }

    /// <param name="reply">Best made when the configuration is compiled; it is not changed, so one object may answer any number of requests.</param>
    public static FilterVerdict Respond(LocalReply reply) => new(FilterVerdictKind.Respond, reply);
}
