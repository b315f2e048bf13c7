using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>What an authorization service said of one request. Reused; empty lists in the common case.</summary>
internal sealed class AuthorizationAnswer
{
    /// <summary>Changes that one answer may ask for. Count; more is no answer but an error.</summary>
    public const int MaxChanges = 256;

    /// <summary>Of the request, when it passes.</summary>
    public List<FieldChange> RequestChanges { get; } = [];

    /// <summary>Of the response to the client, when the request passes.</summary>
    public List<FieldChange> ResponseChanges { get; } = [];

    /// <summary>Path and query as they shall be; null: as they are.</summary>
    public byte[]? Target { get; set; }

    /// <summary>For whoever comes behind this filter, under its namespace; null: nothing.</summary>
    public Struct? Metadata { get; set; }

    /// <summary>What the client is answered; null when the request passes.</summary>
    public LocalReply? Refusal { get; set; }

    public void Clear()
    {
        RequestChanges.Clear();
        ResponseChanges.Clear();
        Target = null;
        Metadata = null;
        Refusal = null;
    }
}

/// <summary>What a service's answer is worth.</summary>
internal enum AuthorizationVerdict : byte
{
    /// <summary>There is none that can be understood.</summary>
    Error,
    Allowed,
    Denied,
}
