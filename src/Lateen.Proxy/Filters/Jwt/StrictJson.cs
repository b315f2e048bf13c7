using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;
using Lateen.Proxy.Filters.Metadata;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>
/// Reads one JSON object (RFC 8259) from bytes that a stranger sent, strictly: valid UTF-8, no duplicate member, nothing before or behind it,
/// bounded depth and size. What two parsers could read differently is not read at all.
/// </summary>
/// <remarks>Fails by value: a hostile text costs no exception.</remarks>
internal ref struct StrictJson
{
    /// <summary>Objects and lists within each other. Count.</summary>
    public const int MaxDepth = 16;

    /// <summary>Members of one object: duplicates are looked for among them one by one. Count.</summary>
    public const int MaxMembers = 128;

    /// <summary>Values altogether. Count.</summary>
    public const int MaxValues = 2048;

    private readonly ReadOnlySpan<byte> _json;
    private readonly byte[] _scratch;
    private int _at;
    private int _values;

    private StrictJson(ReadOnlySpan<byte> json, byte[] scratch)
    {
        _json = json;
        _scratch = scratch;
    }

    /// <summary>Reads the object into an empty struct of a store.</summary>
    /// <returns>False: it is not one, or has more than the bounds allow. The store is then of no use.</returns>
    public static bool TryRead(ReadOnlySpan<byte> json, MetadataValue target)
    {
        if (!Utf8.IsValid(json)) return false;
        // A key and a text are unescaped one after the other; neither grows by it.
        var reader = new StrictJson(json, new byte[2 * json.Length]);
        reader.SkipSpace();
        if (!reader.TryTake((byte)'{') || !reader.ReadObject(target, depth: 1)) return false;
        reader.SkipSpace();
        return reader._at == json.Length;
    }

    private bool ReadObject(MetadataValue target, int depth)
    {
        if (target.IsMissing) return false;
        SkipSpace();
        if (TryTake((byte)'}')) return true;
        for (int members = 0; members < MaxMembers; members++)
        {
            SkipSpace();
            if (!TryReadText(0, out int keyLength)) return false;
            ReadOnlySpan<byte> key = _scratch.AsSpan(0, keyLength);
            if (!target[key].IsMissing) return false;
            SkipSpace();
            if (!TryTake((byte)':') || !ReadValue(target, keyLength, depth)) return false;
            SkipSpace();
            if (TryTake((byte)'}')) return true;
            if (!TryTake((byte)',')) return false;
        }

        return false;
    }

    private bool ReadList(MetadataValue target, int depth)
    {
        if (target.IsMissing) return false;
        SkipSpace();
        if (TryTake((byte)']')) return true;
        while (true)
        {
            if (!ReadValue(target, -1, depth)) return false;
            SkipSpace();
            if (TryTake((byte)']')) return true;
            if (!TryTake((byte)',')) return false;
        }
    }

    /// <param name="target">The struct or list that gets the value.</param>
    /// <param name="keyLength">Of the key at the start of the scratch; -1 in a list.</param>
    /// <param name="depth">Of <paramref name="target"/>.</param>
    private bool ReadValue(MetadataValue target, int keyLength, int depth)
    {
        SkipSpace();
        if (_at == _json.Length || ++_values > MaxValues) return false;
        bool isMember = keyLength >= 0;
        ReadOnlySpan<byte> key = isMember ? _scratch.AsSpan(0, keyLength) : default;
        switch (_json[_at])
        {
            case (byte)'{':
                _at++;
                return depth < MaxDepth && ReadObject(isMember ? target.SetStruct(key) : target.AddStruct(), depth + 1);
            case (byte)'[':
                _at++;
                return depth < MaxDepth && ReadList(isMember ? target.SetList(key) : target.AddList(), depth + 1);
            case (byte)'"':
                int start = isMember ? keyLength : 0;
                if (!TryReadText(start, out int length)) return false;
                ReadOnlySpan<byte> text = _scratch.AsSpan(start, length);
                return isMember ? target.Set(key, text) : target.Add(text);
            case (byte)'t':
                return TryTake("true"u8) && (isMember ? target.Set(key, true) : target.Add(true));
            case (byte)'f':
                return TryTake("false"u8) && (isMember ? target.Set(key, false) : target.Add(false));
            case (byte)'n':
                return TryTake("null"u8) && (isMember ? target.SetNull(key) : target.AddNull());
            default:
                return TryReadNumber(out double number) && (isMember ? target.Set(key, number) : target.Add(number));
        }
    }

    private bool TryReadNumber(out double number)
    {
        number = 0;
        int start = _at;
        TryTake((byte)'-');
        int whole = SkipDigits();
        if (whole == 0 || (whole > 1 && _json[_at - whole] == '0')) return false;
        if (TryTake((byte)'.') && SkipDigits() == 0) return false;
        if (_at < _json.Length && _json[_at] is (byte)'e' or (byte)'E')
        {
            _at++;
            if (!TryTake((byte)'+')) TryTake((byte)'-');
            if (SkipDigits() == 0) return false;
        }

        ReadOnlySpan<byte> digits = _json[start.._at];
        return Utf8Parser.TryParse(digits, out number, out int used) && used == digits.Length && double.IsFinite(number);
    }

    private int SkipDigits()
    {
        int start = _at;
        while (_at < _json.Length && _json[_at] is >= (byte)'0' and <= (byte)'9') _at++;
        return _at - start;
    }

    /// <summary>Unescapes a text into the scratch.</summary>
    private bool TryReadText(int target, out int length)
    {
        length = 0;
        if (!TryTake((byte)'"')) return false;
        Span<byte> text = _scratch.AsSpan(target);
        while (_at < _json.Length)
        {
            byte one = _json[_at++];
            if (one == '"') return true;
            if (one < 0x20) return false;
            if (one != '\\')
            {
                text[length++] = one;
                continue;
            }

            if (!TryReadEscape(text[length..], out int written)) return false;
            length += written;
        }

        return false;
    }

    private bool TryReadEscape(Span<byte> text, out int written)
    {
        written = 1;
        if (_at == _json.Length) return false;
        switch (_json[_at++])
        {
            case (byte)'"': text[0] = (byte)'"'; return true;
            case (byte)'\\': text[0] = (byte)'\\'; return true;
            case (byte)'/': text[0] = (byte)'/'; return true;
            case (byte)'b': text[0] = 8; return true;
            case (byte)'f': text[0] = 12; return true;
            case (byte)'n': text[0] = 10; return true;
            case (byte)'r': text[0] = 13; return true;
            case (byte)'t': text[0] = 9; return true;
            case (byte)'u': return TryReadCodePoint(text, out written);
            default: return false;
        }
    }

    /// <summary>A surrogate without its other half is no text (RFC 8259 section 8.2) and is refused.</summary>
    private bool TryReadCodePoint(Span<byte> text, out int written)
    {
        written = 0;
        if (!TryReadHex(out int unit)) return false;
        if (unit is >= 0xD800 and <= 0xDFFF)
        {
            if (unit > 0xDBFF || !TryTake("\\u"u8) || !TryReadHex(out int low) || low is < 0xDC00 or > 0xDFFF) return false;
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        }

        return new Rune(unit).TryEncodeToUtf8(text, out written);
    }

    private bool TryReadHex(out int unit)
    {
        unit = 0;
        if (_json.Length - _at < 4) return false;
        for (int i = 0; i < 4; i++)
        {
            byte one = _json[_at++];
            int digit = one switch
            {
                >= (byte)'0' and <= (byte)'9' => one - '0',
                >= (byte)'a' and <= (byte)'f' => one - 'a' + 10,
                >= (byte)'A' and <= (byte)'F' => one - 'A' + 10,
                _ => -1,
            };
            if (digit < 0) return false;
            unit = (unit << 4) | digit;
        }

        return true;
    }

    private void SkipSpace()
    {
        while (_at < _json.Length && _json[_at] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') _at++;
    }

    private bool TryTake(byte one)
    {
        if (_at == _json.Length || _json[_at] != one) return false;
        _at++;
        return true;
    }

    private bool TryTake(scoped ReadOnlySpan<byte> text)
    {
        if (!_json[_at..].StartsWith(text)) return false;
        _at += text.Length;
        return true;
    }
}
