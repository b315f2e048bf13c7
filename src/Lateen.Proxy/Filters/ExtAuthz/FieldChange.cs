using System.Text;
using Envoy.Config.Core.V3;
using Lateen.Http;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>How a field of an authorization service's answer comes into a message.</summary>
internal enum FieldAction : byte
{
    /// <summary>It takes the place of others of its name.</summary>
    Set,

    /// <summary>It stands beside them.</summary>
    Append,

    /// <summary>Only where there is none of its name.</summary>
    AddIfAbsent,

    /// <summary>Only in the place of another.</summary>
    OverwriteIfExists,

    /// <summary>All of its name go.</summary>
    Remove,
}

/// <summary>One change of a head that an authorization service asks for, checked: a name and a value that can stand in a head.</summary>
internal readonly record struct FieldChange(HeaderName Name, byte[] Value, FieldAction Action)
{
    /// <summary>Fields by which this proxy frames and routes messages, which are nobody's to change here.</summary>
    public static bool IsOurs(ReadOnlySpan<byte> name) => name.IsEmpty || name[0] == ':' || KnownHeaders.Recognize(name)
        is KnownHeader.Host or KnownHeader.ContentLength or KnownHeader.TransferEncoding or KnownHeader.Connection or KnownHeader.KeepAlive
        or KnownHeader.ProxyConnection or KnownHeader.Te or KnownHeader.Trailer or KnownHeader.Upgrade or KnownHeader.Expect;

    /// <summary>Reads a field of a gRPC answer.</summary>
    /// <returns>False: it can stand in no head. Null in <paramref name="change"/>: it is one of ours and passed over.</returns>
    public static bool TryRead(HeaderValueOption option, out FieldChange? change)
    {
        change = null;
        string key = option.Header?.Key ?? string.Empty;
        if (IsOurs(Encoding.UTF8.GetBytes(key))) return key.Length > 0;
        if (!HeaderName.TryCreate(key, out HeaderName? name)) return false;
        byte[] value = Encoding.UTF8.GetBytes(option.Header!.Value);
        if (!IsValue(value)) return false;
        // In these messages "append" is false unless it is said (external_auth.proto), and "append_action" counts where it is not.
        FieldAction action = option.Append is { } append ? (append ? FieldAction.Append : FieldAction.Set) : option.AppendAction switch
        {
            HeaderValueOption.Types.HeaderAppendAction.AddIfAbsent => FieldAction.AddIfAbsent,
            HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExists => FieldAction.OverwriteIfExists,
            _ => FieldAction.Set,
        };
        change = new FieldChange(name!, value, action);
        return true;
    }

    public static bool IsValue(ReadOnlySpan<byte> value)
    {
        foreach (byte one in value)
        {
            if (one is < 0x20 and not 9 or 0x7F) return false;
        }

        return true;
    }

    public void Apply(HeaderBlock headers)
    {
        switch (Action)
        {
            case FieldAction.Append:
                headers.Add(Name, Value);
                break;
            case FieldAction.AddIfAbsent:
                if (headers.IndexOf(Name) < 0) headers.Add(Name, Value);
                break;
            case FieldAction.OverwriteIfExists:
                if (headers.IndexOf(Name) >= 0) headers.Set(Name, Value);
                break;
            case FieldAction.Remove:
                headers.Remove(Name);
                break;
            default:
                headers.Set(Name, Value);
                break;
        }
    }
}
