using System.Text;

namespace Lateen.Proxy.Routing;

/// <summary>How a virtual host's domain matches.</summary>
internal enum DomainKind
{
    /// <summary><c>www.example.com</c></summary>
    Exact,

    /// <summary><c>*.example.com</c>, <c>*-bar.example.com</c>: at least one character stands for the star.</summary>
    SuffixWildcard,

    /// <summary><c>www.example.*</c>: at least one character stands for the star.</summary>
    PrefixWildcard,

    /// <summary><c>*</c></summary>
    Everything,
}

/// <summary>One domain of a virtual host, ready to be put into an index: in lower case, without its star, hashed.</summary>
internal sealed class DomainName
{
    private DomainName(DomainKind kind, string text)
    {
        Kind = kind;
        Text = text;
        Literal = Encoding.UTF8.GetBytes(text.Trim('*').ToLowerInvariant());
        Hash = ByteKey.Hash(Literal);
    }

    public DomainKind Kind { get; }

    /// <summary>As configured.</summary>
    public string Text { get; }

    /// <summary>What stands beside the star, in lower case.</summary>
    public byte[] Literal { get; }

    public ulong Hash { get; }

    /// <summary>Reads a domain; a star is allowed as the first or the last character only.</summary>
    public static DomainName? TryParse(string text)
    {
        if (text.Length == 0) return null;
        if (text == "*") return new DomainName(DomainKind.Everything, text);
        var star = text.IndexOf('*');
        if (star < 0) return new DomainName(DomainKind.Exact, text);
        if (star != text.LastIndexOf('*')) return null;
        return star == 0 ? new DomainName(DomainKind.SuffixWildcard, text)
            : star == text.Length - 1 ? new DomainName(DomainKind.PrefixWildcard, text)
            : null;
    }
}
