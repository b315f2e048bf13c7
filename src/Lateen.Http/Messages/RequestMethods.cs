namespace Lateen.Http;

/// <summary>The bytes of each <see cref="RequestMethod"/> and their recognition.</summary>
public static class RequestMethods
{
    /// <summary>The method of these bytes, compared with case; <see cref="RequestMethod.Other"/> when it is none of the listed.</summary>
    public static RequestMethod Recognize(ReadOnlySpan<byte> text)
    {
        switch (text.Length)
        {
            case 3:
                if (text.SequenceEqual("GET"u8)) return RequestMethod.Get;
                if (text.SequenceEqual("PUT"u8)) return RequestMethod.Put;
                break;
            case 4:
                if (text.SequenceEqual("POST"u8)) return RequestMethod.Post;
                if (text.SequenceEqual("HEAD"u8)) return RequestMethod.Head;
                break;
            case 5:
                if (text.SequenceEqual("PATCH"u8)) return RequestMethod.Patch;
                if (text.SequenceEqual("TRACE"u8)) return RequestMethod.Trace;
                break;
            case 6:
                if (text.SequenceEqual("DELETE"u8)) return RequestMethod.Delete;
                break;
            case 7:
                if (text.SequenceEqual("OPTIONS"u8)) return RequestMethod.Options;
                if (text.SequenceEqual("CONNECT"u8)) return RequestMethod.Connect;
                break;
        }

        return RequestMethod.Other;
    }

    /// <summary>The bytes of a listed method; empty for <see cref="RequestMethod.Other"/>.</summary>
    public static ReadOnlySpan<byte> TextOf(RequestMethod method) => method switch
    {
        RequestMethod.Get => "GET"u8,
        RequestMethod.Head => "HEAD"u8,
        RequestMethod.Post => "POST"u8,
        RequestMethod.Put => "PUT"u8,
        RequestMethod.Delete => "DELETE"u8,
        RequestMethod.Connect => "CONNECT"u8,
        RequestMethod.Options => "OPTIONS"u8,
        RequestMethod.Trace => "TRACE"u8,
        RequestMethod.Patch => "PATCH"u8,
        _ => default,
    };

    /// <summary>Safe methods of RFC 9110 section 9.2.1, which a proxy may send again without asking.</summary>
    public static bool IsSafe(RequestMethod method) =>
        method is RequestMethod.Get or RequestMethod.Head or RequestMethod.Options or RequestMethod.Trace;

    /// <summary>Idempotent methods of RFC 9110 section 9.2.2.</summary>
    public static bool IsIdempotent(RequestMethod method) =>
        IsSafe(method) || method is RequestMethod.Put or RequestMethod.Delete;
}
