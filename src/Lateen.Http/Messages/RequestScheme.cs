namespace Lateen.Http;

/// <summary>The scheme of the canonical request: from an absolute-form target, else from the transport it came in on.</summary>
public enum RequestScheme : byte
{
    Http = 0,
    Https,
}
