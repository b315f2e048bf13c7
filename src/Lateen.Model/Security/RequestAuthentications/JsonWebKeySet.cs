using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Lateen.Model.Security;

/// <summary>
/// A JSON Web Key Set (RFC 7517) as far as the mesh looks into one: that it is one, and that what proxies get of it holds no private key. Pure; never
/// throws on text.
/// </summary>
public sealed class JsonWebKeySet
{
    /// <summary>Bytes of UTF-8 that a key set may have; beyond it is refused. Large issuers have some 10 KiB.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>Keys that a set may hold; beyond it is refused.</summary>
    public const int MaxKeys = 128;

    /// <summary>Members that only the owner of a key has (RFC 7518 sections 6.2.2 and 6.3.2). The <c>k</c> of a shared key stays: without it there is no key.</summary>
    private static readonly string[] PrivateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth"];

    private JsonWebKeySet(string text, int count, bool holdsPrivateKey, bool holdsSharedKey)
    {
        Text = text;
        Count = count;
        HoldsPrivateKey = holdsPrivateKey;
        HoldsSharedKey = holdsSharedKey;
    }

    /// <summary>The set as JSON without white space and without private members.</summary>
    public string Text { get; }

    /// <summary>How many keys it holds, of known and unknown types.</summary>
    public int Count { get; }

    /// <summary>True when the text that was read had a private member.</summary>
    public bool HoldsPrivateKey { get; }

    /// <summary>True for a key of type <c>oct</c>: who can verify with it can sign.</summary>
    public bool HoldsSharedKey { get; }

    /// <summary>Reads a key set; null, with a reason, when the text is none.</summary>
    public static JsonWebKeySet? Read(string text, out string? reason)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Encoding.UTF8.GetByteCount(text) > MaxBytes)
        {
            reason = $"the key set is larger than {MaxBytes} bytes";
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 16 });
            return Read(document.RootElement, out reason);
        }
        catch (JsonException fault)
        {
            reason = $"it is not JSON: line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}";
            return null;
        }
        catch (Exception fault) when (fault is InvalidOperationException or ArgumentException)
        {
            // Strings with half a surrogate pair parse and cannot be written.
            reason = "it holds text that is not UTF-8";
            return null;
        }
    }

    private static JsonWebKeySet? Read(JsonElement root, out string? reason)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array)
        {
            reason = "it has no list 'keys'";
            return null;
        }

        int count = keys.GetArrayLength();
        if (count is 0 or > MaxKeys)
        {
            reason = count == 0 ? "it holds no key" : $"it holds {count} keys, more than {MaxKeys}";
            return null;
        }

        bool isPrivate = false, isShared = false;
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("keys");
            foreach (var key in keys.EnumerateArray())
            {
                if (key.ValueKind != JsonValueKind.Object || !key.TryGetProperty("kty", out var type) || type.ValueKind != JsonValueKind.String)
                {
                    reason = "a key has no type 'kty'";
                    return null;
                }

                isShared |= type.ValueEquals("oct");
                isPrivate |= WritePublic(writer, key);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        reason = null;
        return new JsonWebKeySet(Encoding.UTF8.GetString(output.WrittenSpan), count, isPrivate, isShared);
    }

    /// <returns>True when something private was left out.</returns>
    private static bool WritePublic(Utf8JsonWriter writer, JsonElement key)
    {
        bool isPrivate = false;
        writer.WriteStartObject();
        foreach (var member in key.EnumerateObject())
        {
            if (Array.IndexOf(PrivateMembers, member.Name) >= 0) isPrivate = true;
            else member.WriteTo(writer);
        }

        writer.WriteEndObject();
        return isPrivate;
    }
}
