namespace Lateen.Proxy.Routing;

/// <summary>
/// What a matched route does: <see cref="ForwardAction"/>, <see cref="RedirectAction"/> or <see cref="DirectResponseAction"/>.
/// </summary>
public abstract class RouteAction
{
    private protected RouteAction()
    {
    }
}

/// <summary>Answers without asking anybody (<c>DirectResponseAction</c>).</summary>
public sealed class DirectResponseAction : RouteAction
{
    /// <summary>200 to 599.</summary>
    public required int Status { get; init; }

    /// <summary>May be empty.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }
}
