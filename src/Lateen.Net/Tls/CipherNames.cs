using System.Text;
using Lateen.Net.Interop;

namespace Lateen.Net.Tls;

/// <summary>Turns names of cipher suites, OpenSSL's, IANA's and BoringSSL's groups of equals, into OpenSSL's two lists.</summary>
internal static unsafe class CipherNames
{
    /// <summary>Envoy's for both sides.</summary>
    private static readonly string[] Defaults =
    [
        "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
        "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
    ];

    /// <summary>Every suite that this OpenSSL has and that authenticates and encrypts; by either name.</summary>
    private static readonly Lazy<Dictionary<string, Suite>> Known = new(ReadKnown);

    /// <summary>Applies the names to a context; a text when one of them is not good.</summary>
    internal static string? Apply(nint context, IReadOnlyList<string> names, TlsVersion maxVersion)
    {
        var upTo12 = new StringBuilder();
        var of13 = new StringBuilder();
        var prefersChaCha = false;
        foreach (var name in names.Count == 0 ? Defaults : names)
        {
            var isGroup = name.Length > 2 && name[0] == '[' && name[^1] == ']';
            foreach (var member in isGroup ? name[1..^1].Split('|') : [name])
            {
                if (!Known.Value.TryGetValue(member, out var suite))
                    return $"cipher suites: \"{member}\" is not a suite of this OpenSSL";
                prefersChaCha |= isGroup && member.Contains("CHACHA20", StringComparison.Ordinal);
                var list = suite.Is13 ? of13 : upTo12;
                list.Append(list.Length == 0 ? "" : ":").Append(suite.Name);
            }
        }

        if (upTo12.Length == 0 && maxVersion < TlsVersion.Tls13)
            return "cipher suites: none of TLS 1.2, and TLS 1.3 is not allowed";
        if (upTo12.Length > 0 && !Set(context, upTo12.ToString(), is13: false))
            return $"cipher suites: {OpenSsl.Describe(OpenSsl.TakeError())}";
        if (of13.Length > 0 && !Set(context, of13.ToString(), is13: true))
            return $"cipher suites: {OpenSsl.Describe(OpenSsl.TakeError())}";
        // OpenSSL has no groups of equals; it can follow a client that puts ChaCha20 first, as one without AES instructions does.
        if (prefersChaCha)
            LibSsl.SetContextOptions(context, LibSsl.OptionPrioritizeChaCha);
        return null;
    }

    private static bool Set(nint context, string names, bool is13)
    {
        fixed (byte* start = Encoding.ASCII.GetBytes(names + '\0'))
            return (is13 ? LibSsl.SetCipherSuites(context, start) : LibSsl.SetCipherList(context, start)) == 1;
    }

    private static Dictionary<string, Suite> ReadKnown()
    {
        var known = new Dictionary<string, Suite>(StringComparer.Ordinal);
        var context = LibSsl.NewContext(LibSsl.Method());
        Set(context, "ALL:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0", is13: false);
        Set(context, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256", is13: true);
        var ciphers = LibSsl.ContextCiphers(context);
        for (var i = 0; i < LibCrypto.StackCount(ciphers); i++)
        {
            var cipher = LibCrypto.StackItem(ciphers, i);
            var suite = new Suite(OpenSsl.Text(LibSsl.CipherName(cipher)), OpenSsl.Text(LibSsl.CipherVersion(cipher)) == "TLSv1.3");
            known[suite.Name] = suite;
            known[OpenSsl.Text(LibSsl.CipherStandardName(cipher))] = suite;
        }

        LibSsl.FreeContext(context);
        OpenSsl.TakeError();
        return known;
    }

    private readonly record struct Suite(string Name, bool Is13);
}
