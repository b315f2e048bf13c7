namespace Lateen.Http;

/// <summary>How a request goes to an upstream.</summary>
[Flags]
public enum RequestWriteOptions : byte
{
    None = 0,

    /// <summary>Tell the upstream that no request follows: <c>connection: close</c>.</summary>
    Close = 1,

    /// <summary>Pass the client's upgrade on: <c>connection: upgrade</c> and its <see cref="HttpRequestHead.Upgrade"/>.</summary>
    ForwardUpgrade = 2,

    /// <summary>Write the target in absolute-form, for an upstream that is itself a proxy (RFC 9112 section 3.2.2).</summary>
    AbsoluteForm = 4,
}
