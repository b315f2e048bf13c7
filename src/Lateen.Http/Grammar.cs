using System.Buffers;

namespace Lateen.Http;

/// <summary>Character classes of RFC 9110 and RFC 3986 as vectorised sets. One definition each, cited, used by every codec here.</summary>
internal static class Grammar
{
    /// <summary>tchar, RFC 9110 section 5.6.2.</summary>
    internal static readonly SearchValues<byte> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>
    /// Bytes that may not stand in a field value: every control but HTAB, and DEL (RFC 9110 section 5.5). Bytes from 0x80 up are
    /// obs-text, opaque but allowed.
    /// </summary>
    internal static readonly SearchValues<byte> ForbiddenInValue = SearchValues.Create(
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127,
    ]);

    /// <summary>
    /// Bytes that a path or a query may be made of here: visible ASCII but "#". RFC 3986 allows fewer, but browsers send some of the rest
    /// (<c>| [ ] { } ^</c>) unescaped, Envoy forwards them, and none of them ends a target or starts another part of it. Bytes from 0x80
    /// up are refused: peers differ in how they read them.
    /// </summary>
    private static readonly SearchValues<byte> Target = SearchValues.Create(
        "!\"$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    internal static bool IsTarget(ReadOnlySpan<byte> text) => text.IndexOfAnyExcept(Target) < 0;

    internal static bool IsToken(ReadOnlySpan<byte> text) => text.Length > 0 && text.IndexOfAnyExcept(Token) < 0;

    internal static bool IsFieldValue(ReadOnlySpan<byte> text) => text.IndexOfAny(ForbiddenInValue) < 0;
}
