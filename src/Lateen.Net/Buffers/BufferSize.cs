namespace Lateen.Net;

/// <summary>Size classes of <see cref="BufferPool"/>.</summary>
public enum BufferSize
{
    /// <summary>4 KiB: a request head, a small response. The place to start.</summary>
    Small = 0,

    /// <summary>16 KiB: a body in motion; also one TLS record.</summary>
    Medium = 1,

    /// <summary>64 KiB: bulk transfer, when Medium was filled several times in a row; also a head at Envoy's 60 KiB limit.</summary>
    Large = 2,
}
