using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Lateen.Model.Security;

/// <summary>
/// A JSON Web Key Set (RFC 7517) as far as the mesh looks into one: that it is one, and that what proxies get of it holds no private key and nothing that a
/// strict reader refuses, for a set that a proxy refuses would keep a whole listener as it was. Pure; never throws on text.
/// </summary>
public sealed class JsonWebKeySet
{
    /// <summary>Bytes of UTF-8 that a key set may have; beyond it is refused. Large issuers have some 10 KiB.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>Bytes of UTF-8 of what proxies get of a set: what they take. Beyond it the set is refused.</summary>
    public const int MaxPublicBytes = 64 * 1024;

    /// <summary>Keys that a set may hold: what proxies take. Beyond it the set is refused.</summary>
    public const int MaxKeys = 128;

    /// <summary>
    /// Members that say which key it is, what it is for, and its public half (RFC 7517 section 4, RFC 7518 section 6). Nothing else goes to proxies. The
    /// <c>k</c> of a shared key stays: without it there is no key.
    /// </summary>
    private static readonly string[] PublicMembers = ["kty", "use", "alg", "kid", "crv", "n", "e", "x", "y", "k"];

    /// <summary>Members that only the owner of a key has (RFC 7518 sections 6.2.2 and 6.3.2).</summary>
    private static readonly string[] PrivateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth"];

    private JsonWebKeySet(string text, int count, ImmutableArray<string> unusable, bool holdsPrivateKey, bool holdsSharedKey)
    {
        Text = text;
        Count = count;
        Unusable = unusable;
        HoldsPrivateKey = holdsPrivateKey;
        HoldsSharedKey = holdsSharedKey;
    }

    /// <summary>The usable keys as JSON without white space, and of each its public members only.</summary>
    public string Text { get; }

    /// <summary>How many keys <see cref="Text"/> holds, of known and unknown types.</summary>
    public int Count { get; }

    /// <summary>Which keys were left out and why, such as <c>keys[2] has no type 'kty'</c>. A key of an unfit size is known to proxies only.</summary>
    public ImmutableArray<string> Unusable { get; }

    /// <summary>True when the text that was read had a private member.</summary>
    public bool HoldsPrivateKey { get; }

    /// <summary>True for a key of type <c>oct</c>: who can verify with it can sign.</summary>
    public bool HoldsSharedKey { get; }

    /// <summary>Reads a key set; null, with a reason, when the text is none, or none of its keys can be used.</summary>
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
            // Strings with half a surrogate pair parse and cannot be read.
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
        int index = 0;
        var unusable = ImmutableArray.CreateBuilder<string>();
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("keys");
            foreach (var key in keys.EnumerateArray())
            {
                if (FaultOf(key) is { } fault) unusable.Add($"keys[{index}] {fault}");
                else WritePublic(writer, key, ref isPrivate, ref isShared);
                index++;
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        if (unusable.Count == count) reason = $"it holds no key that can be used: {unusable[0]}";
        else if (output.WrittenCount > MaxPublicBytes) reason = $"what proxies need of it is larger than {MaxPublicBytes} bytes";
        else reason = null;
        return reason is null
            ? new JsonWebKeySet(Encoding.UTF8.GetString(output.WrittenSpan), count - unusable.Count, unusable.ToImmutable(), isPrivate, isShared)
            : null;
    }

    /// <summary>What makes an entry no key that anybody can use.</summary>
    private static string? FaultOf(JsonElement key)
    {
        if (key.ValueKind != JsonValueKind.Object || !key.TryGetProperty("kty", out var type) || type.ValueKind != JsonValueKind.String) return "has no type 'kty'";
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in key.EnumerateObject())
        {
            if (member.Name != "key_ops" && Array.IndexOf(PublicMembers, member.Name) < 0) continue;
            // Two readers of one JSON may take different ones (RFC 8259 section 4).
            if (!seen.Add(member.Name)) return $"has '{member.Name}' twice";
            if (member.Name == "key_ops" && member.Value.ValueKind != JsonValueKind.Array) return "has a 'key_ops' that is no list";
            if (member.Name != "key_ops" && member.Value.ValueKind != JsonValueKind.String) return $"has a '{member.Name}' that is not a text";
        }

        return null;
    }

    private static void WritePublic(Utf8JsonWriter writer, JsonElement key, ref bool isPrivate, ref bool isShared)
    {
        isShared |= key.GetProperty("kty").ValueEquals("oct");
        writer.WriteStartObject();
        foreach (var member in key.EnumerateObject())
        {
            if (Array.IndexOf(PrivateMembers, member.Name) >= 0) isPrivate = true;
            else if (Array.IndexOf(PublicMembers, member.Name) >= 0) writer.WriteString(member.Name, member.Value.GetString());
            else if (member.Name == "key_ops") WriteOperations(writer, member.Value);
        }

        writer.WriteEndObject();
    }

    /// <summary>Of what a key is for, that it verifies is all that matters here; a list of its owner's may be of any length.</summary>
    private static void WriteOperations(Utf8JsonWriter writer, JsonElement operations)
    {
        bool verifies = operations.EnumerateArray().Any(one => one.ValueKind == JsonValueKind.String && one.ValueEquals("verify"));
        writer.WriteStartArray("key_ops");
        if (verifies) writer.WriteStringValue("verify");
        writer.WriteEndArray();
    }
}
