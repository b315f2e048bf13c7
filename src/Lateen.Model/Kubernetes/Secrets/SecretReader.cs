using System.Collections.Immutable;
using System.Text;
using Lateen.Model.Reading;
using Lateen.Yaml;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Kubernetes.Secrets;

/// <summary>Reads and checks a core Secret. No message quotes a value: only names of keys and what is wrong with what they hold.</summary>
internal static class SecretReader
{
    private const string TlsType = "kubernetes.io/tls";

    public static readonly MessageShape Shape = new(
        "Secret",
        InEffect("type"), InEffect("data"), InEffect("stringData"), InEffect("immutable", note: "concerns Kubernetes alone"));

    public static Secret Read(ObjectReader at)
    {
        string type = at.String("type") is { Length: > 0 } written ? written : "Opaque";
        var entries = new SecretEntries();
        ReadData(at, entries);
        ReadStringData(at, entries);
        return type is TlsType or "Opaque" ? Interpret(at, type, entries) : new Secret { Type = type };
    }

    /// <summary>Istio's generic names go first, as in its own reader; then those of <c>kubernetes.io/tls</c>.</summary>
    private static Secret Interpret(ObjectReader at, string type, SecretEntries entries)
    {
        var pem = new SecretPem(at, entries);
        var (chain, key) = type == TlsType || !entries.Has("cert") ? ("tls.crt", "tls.key") : ("cert", "key");
        if (type == TlsType)
        {
            foreach (string required in (ReadOnlySpan<string>)[chain, key])
                if (!entries.IsWritten(required)) at.Report(DiagnosticCodes.IncompleteSecret, "data", $"a Secret of type {TlsType} needs '{required}'");
        }
        else if (entries.IsWritten(chain) != entries.IsWritten(key))
        {
            at.Report(
                DiagnosticCodes.IncompleteSecret, "data", $"'{(entries.IsWritten(chain) ? chain : key)}' without '{(entries.IsWritten(chain) ? key : chain)}'",
                "a certificate and its key come together");
        }

        return new Secret
        {
            Type = type,
            Certificate = pem.CertificateAndKey(chain, key),
            Roots = pem.Certificates(entries.Has("cacert") ? "cacert" : "ca.crt"),
            RevocationLists = pem.RevocationLists(entries.Has("crl") ? "crl" : "ca.crl"),
        };
    }

    private static void ReadData(ObjectReader at, SecretEntries entries)
    {
        foreach (var (name, text) in Texts(at, "data", entries))
        {
            byte[] octets = new byte[text.Length];
            if (Convert.TryFromBase64String(text, octets, out int length)) entries.Put(name, "data", octets.AsSpan(0, length).ToImmutableArray());
            else
            {
                entries.Put(name, "data", []);
                at.ReportKey(
                    DiagnosticCodes.InvalidSecretData, "data", name, $"the value of '{name}' is not base64", "plain text goes into stringData");
            }
        }
    }

    private static void ReadStringData(ObjectReader at, SecretEntries entries)
    {
        foreach (var (name, text) in Texts(at, "stringData", entries)) entries.Put(name, "stringData", [.. Encoding.UTF8.GetBytes(text)]);
    }

    /// <summary>The entries of a map of texts. Unlike the map of any other kind, a fault is told without the value that has it.</summary>
    private static IEnumerable<(string Name, string Text)> Texts(ObjectReader at, string field, SecretEntries entries)
    {
        if (at.Node(field) is not { } node) yield break;
        if (node is not YamlMapping mapping)
        {
            at.Report(DiagnosticCodes.InvalidSecretData, field, $"'{field}' is not a mapping of names to values");
            yield break;
        }

        foreach (var entry in mapping)
        {
            if (entry.Value is YamlScalar { Text: ShownText.Hidden })
            {
                entries.Put(entry.Name, field, []);
                at.ReportKey(
                    DiagnosticCodes.InvalidSecretData, field, entry.Name, $"the value of '{entry.Name}' is what is shown in place of the real one",
                    "apply the file that the Secret came from");
            }
            else if (entry.Value is YamlScalar { Type: YamlScalarType.String } scalar) yield return (entry.Name, scalar.Text);
            else if (entry.Value.IsNull) yield return (entry.Name, "");
            else
            {
                entries.Put(entry.Name, field, []);
                at.ReportKey(DiagnosticCodes.InvalidSecretData, field, entry.Name, $"the value of '{entry.Name}' is not a string", "write it in quotes");
            }
        }
    }
}

/// <summary>What a Secret holds by key, and in which field each is written. Later ones replace earlier ones: stringData goes above data.</summary>
internal sealed class SecretEntries
{
    private readonly Dictionary<string, (string Field, ImmutableArray<byte> Octets)> _entries = [];

    public bool Has(string key) => _entries.TryGetValue(key, out var entry) && !entry.Octets.IsEmpty;

    /// <summary>True also for an entry that was refused: one complaint about it is enough.</summary>
    public bool IsWritten(string key) => _entries.ContainsKey(key);

    public void Put(string key, string field, ImmutableArray<byte> octets) => _entries[key] = (field, octets);

    public ImmutableArray<byte> this[string key] => _entries.TryGetValue(key, out var entry) ? entry.Octets : [];

    public string FieldOf(string key) => _entries.TryGetValue(key, out var entry) ? entry.Field : "data";
}
