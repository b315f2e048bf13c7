using System.Buffers.Text;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Lateen.Identity.Joining;

/// <summary>
/// The join tokens of a mesh: with one, a workload that has nothing yet proves that the operator sent it. A token is <c>lateen-join.ID.SECRET</c>; its secret has
/// 256 random bits, is kept as a hash, compared in constant time, and works as often as it was issued for and as long.
/// </summary>
/// <remarks>Thread-safe. Each change is given to <paramref name="save"/> before it counts: if that throws, nothing changed.</remarks>
/// <param name="save">Keeps the table across restarts. Called under the table's lock, so it sees changes in their order.</param>
public sealed class JoinTokenTable(IEnumerable<JoinTokenRecord> records, Action<JoinTokenFile> save)
{
    /// <summary>What a token begins with, by which it is told from other bearer tokens.</summary>
    public const string Prefix = "lateen-join.";

    /// <summary>Tokens that may be out at once. Count. Hit: no further one is issued until some expire or are removed.</summary>
    public const int MaxTokens = 10_000;

    /// <summary>Admissions per token. Count. Hit: not issued.</summary>
    public const int MaxUses = 1_000;

    /// <summary>The longest life of a token. Hit: not issued.</summary>
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(30);

    private const int IdOctets = 8, SecretOctets = 32;

    /// <summary>Characters of a whole token: the prefix, 16 of the id, a dot, 43 of the secret.</summary>
    private static readonly int Length = Prefix.Length + IdOctets * 2 + 1 + Base64Url.GetEncodedLength(SecretOctets);

    private readonly Lock _gate = new();
    private ImmutableSortedDictionary<string, JoinTokenRecord> _tokens = records.ToImmutableSortedDictionary(record => record.Id, record => record, StringComparer.Ordinal);

    /// <summary>What is out, by id, expired ones that were not removed yet included.</summary>
    public ImmutableArray<JoinTokenRecord> All
    {
        get
        {
            lock (_gate) return [.. _tokens.Values];
        }
    }

    /// <summary>Issues a token. The text that comes back is the only copy of its secret.</summary>
    /// <returns>False with the reason when a bound is hit or a name cannot stand in an identity.</returns>
    public bool TryIssue(
        string @namespace, string serviceAccount, TimeSpan lifetime, int uses, DateTimeOffset now, [NotNullWhen(true)] out string? token,
        [NotNullWhen(true)] out JoinTokenRecord? record, [NotNullWhen(false)] out string? reason)
    {
        token = null;
        record = null;
        if (!SpiffeId.TryCreate(TrustDomain.Default, Concrete(@namespace), Concrete(serviceAccount), out _, out reason)) return false;
        if (lifetime <= TimeSpan.Zero || lifetime > MaxLifetime) reason = $"a token lives up to {MaxLifetime.TotalDays:0} days";
        else if (uses is < 1 or > MaxUses) reason = $"a token admits 1 to {MaxUses} workloads";
        if (reason is not null) return false;

        string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdOctets));
        string secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretOctets));
        var made = new JoinTokenRecord(id, Hash(secret), @namespace, serviceAccount, now, now + lifetime, uses);
        lock (_gate)
        {
            var kept = WithoutExpired(now);
            if (kept.Count >= MaxTokens)
            {
                reason = $"{MaxTokens} tokens are out; remove some, or wait until they expire";
                return false;
            }

            Commit(kept.Add(id, made));
        }

        token = $"{Prefix}{id}.{secret}";
        record = made;
        return true;

        static string Concrete(string text) => text == JoinTokenRecord.Any ? "any" : text;
    }

    /// <summary>Is this token good now? Looks, and uses nothing up. Takes the same time whichever octet of the secret is wrong.</summary>
    public JoinTokenFailure Check(string token, DateTimeOffset now, out JoinTokenRecord? record)
    {
        ArgumentNullException.ThrowIfNull(token);
        record = null;
        if (token.Length != Length || !token.StartsWith(Prefix, StringComparison.Ordinal) || token[Prefix.Length + IdOctets * 2] != '.') return JoinTokenFailure.Malformed;
        string id = token.Substring(Prefix.Length, IdOctets * 2);
        byte[] shown = Encoding.ASCII.GetBytes(Hash(token[(Prefix.Length + IdOctets * 2 + 1)..]));
        JoinTokenRecord? found;
        lock (_gate) found = _tokens.GetValueOrDefault(id);
        // Compared also when there is none: an unknown id takes as long as a wrong secret.
        bool isSame = CryptographicOperations.FixedTimeEquals(shown, Encoding.ASCII.GetBytes(found?.SecretHash ?? new string('0', shown.Length)));
        if (found is null) return JoinTokenFailure.Unknown;
        if (!isSame) return JoinTokenFailure.WrongSecret;
        record = found;
        if (now >= found.ExpiresAt) return JoinTokenFailure.Expired;
        return found.UsesLeft > 0 ? JoinTokenFailure.None : JoinTokenFailure.UsedUp;
    }

    /// <summary>Uses the token once; of two that come at the same time for the last use, one gets it. Kept before it returns.</summary>
    /// <returns>False when it is used up, expired or gone.</returns>
    public bool TryConsume(string id, DateTimeOffset now)
    {
        lock (_gate)
        {
            if (!_tokens.TryGetValue(id, out var record) || record.UsesLeft < 1 || now >= record.ExpiresAt) return false;
            Commit(_tokens.SetItem(id, record with { UsesLeft = record.UsesLeft - 1 }));
            return true;
        }
    }

    /// <summary>Takes a token back before its time.</summary>
    public bool Remove(string id)
    {
        lock (_gate)
        {
            if (!_tokens.ContainsKey(id)) return false;
            Commit(_tokens.Remove(id));
            return true;
        }
    }

    /// <summary>The bytes of the file.</summary>
    public static byte[] ToJson(JoinTokenFile file) => JsonSerializer.SerializeToUtf8Bytes(file, IdentityJson.Default.JoinTokenFile);

    /// <returns>Null with the reason when the bytes are no file of tokens.</returns>
    public static JoinTokenFile? Read(ReadOnlySpan<byte> json, out string? reason)
    {
        reason = "it is damaged, or no file of join tokens";
        try
        {
            var file = JsonSerializer.Deserialize(json, IdentityJson.Default.JoinTokenFile);
            if (file is not { Version: 1, Tokens: not null }) return null;
            reason = null;
            return file;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private ImmutableSortedDictionary<string, JoinTokenRecord> WithoutExpired(DateTimeOffset now) =>
        _tokens.RemoveRange(_tokens.Values.Where(record => now >= record.ExpiresAt).Select(record => record.Id));

    private void Commit(ImmutableSortedDictionary<string, JoinTokenRecord> next)
    {
        // Order matters: kept first. A use that is forgotten would be a token that works twice.
        save(new JoinTokenFile(1, [.. next.Values]));
        _tokens = next;
    }

    private static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
