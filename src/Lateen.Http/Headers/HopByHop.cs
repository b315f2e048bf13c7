using System.Text;

namespace Lateen.Http;

/// <summary>
/// Which fields concern one hop and must not be forwarded: RFC 9110 section 7.6.1 names Connection and what it nominates, Keep-Alive,
/// Proxy-Connection, TE, Transfer-Encoding and Upgrade.
/// </summary>
internal static class HopByHop
{
    /// <summary>Fields that the writer makes from the head's properties, so a stale copy among the fields can never reach the wire.</summary>
    internal static readonly ulong WriterOwned = MaskOf(
        KnownHeader.Host, KnownHeader.Connection, KnownHeader.KeepAlive, KnownHeader.ProxyConnection, KnownHeader.Te,
        KnownHeader.TransferEncoding, KnownHeader.Upgrade, KnownHeader.ContentLength, KnownHeader.Http2Settings);

    private static readonly ulong Always = MaskOf(
        KnownHeader.Connection, KnownHeader.KeepAlive, KnownHeader.ProxyConnection, KnownHeader.Te, KnownHeader.TransferEncoding,
        KnownHeader.Upgrade, KnownHeader.Http2Settings);

    /// <summary>
    /// True for fields that Connection may nominate. Any other known field is meant for all recipients, and nominating it is an attempt
    /// to make us drop, say, Authorization or X-Forwarded-For (RFC 9110 section 7.6.1 forbids a sender to do that).
    /// </summary>
    internal static bool MayNominate(KnownHeader id) => id is KnownHeader.None or KnownHeader.Connection or KnownHeader.KeepAlive
        or KnownHeader.ProxyConnection or KnownHeader.Te or KnownHeader.TransferEncoding or KnownHeader.Upgrade
        or KnownHeader.Http2Settings or KnownHeader.Trailer or KnownHeader.ProxyAuthorization or KnownHeader.ProxyAuthenticate;

    /// <summary>Removes nominated fields, then the fixed ones. End-to-end fields that a response nominates stay.</summary>
    internal static void Strip(HeaderBlock headers)
    {
        if (!headers.ContainsAny(Always, 0)) return;
        for (int i = headers.IndexOf(KnownHeader.Connection); i >= 0; i = headers.IndexOf(KnownHeader.Connection, i))
        {
            RemoveNominated(headers, headers[i].Value);
            i = headers.IndexOf(KnownHeader.Connection);
            headers.RemoveAt(i);
        }

        headers.Remove(KnownHeader.KeepAlive);
        headers.Remove(KnownHeader.ProxyConnection);
        headers.Remove(KnownHeader.Te);
        headers.Remove(KnownHeader.TransferEncoding);
        headers.Remove(KnownHeader.Upgrade);
        headers.Remove(KnownHeader.Http2Settings);
    }

    private static void RemoveNominated(HeaderBlock headers, ReadOnlySpan<byte> options)
    {
        while (FieldList.TryNext(ref options, out ReadOnlySpan<byte> name))
        {
            KnownHeader id = KnownHeaders.Recognize(name);
            if (id == KnownHeader.Connection || !MayNominate(id)) continue;
            if (id == KnownHeader.None && (Ascii.EqualsIgnoreCase(name, "close"u8) || !Grammar.IsToken(name))) continue;
            headers.Remove(name);
        }
    }

    private static ulong MaskOf(params ReadOnlySpan<KnownHeader> ids)
    {
        ulong mask = 0;
        foreach (KnownHeader id in ids) mask |= 1ul << (int)id;
        return mask;
    }
}
