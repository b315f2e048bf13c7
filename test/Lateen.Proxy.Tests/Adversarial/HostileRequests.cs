using System.Text;

namespace Lateen.Proxy.Tests.Adversarial;

/// <summary>Requests that try to be one thing for the proxy and another for the server: known ways around access rules, and random ones.</summary>
internal static class HostileRequests
{
    private static readonly string[] PathPieces =
    [
        "/", "/", "/", "//", "admin", "admin", "public", "api", "items", "x", ".", "..", "../", "./", "..;/", ".;", ";", ";x=1", "%3b", "%3B/..", "%2e", "%2E", "%2e%2e", ".%2e",
        "%2f", "%2F", "%5c", "%5C", "\\", "\\..\\", "%61", "%61dmin", "ad%6din", "ADMIN", "%00", "%c0%ae", "%c0%af", "%C1%9C", "%e0%80%ae", "%252e", "%252f", "%25", "%2", "%", "%zz",
        "%u002f", "?", "?/admin", "?x=/../admin", "#", "#/admin", "\u00e9", "\u00ff", " ", "\t", "\0", "\r", "\n", "*", "~", "%7E", "&", "=", "@", ":", "|", "[", "{", "\"", "%20", "+", "%2B", "%3F", "%3f", "%23", "%0A", "%0d", "%09", "%7F",
    ];

    private static readonly string[] Hosts =
    [
        "shop.example", "shop.example", "admin.example", "ADMIN.example", "Admin.Example", "admin.example.", "admin.example..", "admin.example:80", "admin.example:080", "admin.example.:80",
        "admin.example:", "admin.example:00080", "adm%69n.example", "admin.example%2e", "admin.example:80:80", "admin.example, shop.example", "shop.example@admin.example", "admin.example/x",
        "admin.example\\", " admin.example ", "[::1]", "[::1]:80", "127.0.0.1", "shop.example:65536", "shop.example:-1", "admin.example\t", "xn--admin", "admin_example", "admin.example;x", "",
    ];

    private static readonly string[] Methods = ["GET", "GET", "GET", "DELETE", "delete", "Delete", "get", "POST", "PUT", "OPTIONS", "TRACE", "PURGE", "GET\t", "G ET", "DELETE\0", "PATCH"];

    private static readonly string[] Roles =
    [
        "X-Role: user", "x-role: admin", "X-ROLE: admin", "X-Role:admin", "X-Role:  admin  ", "X-Role: user, admin", "X-Role: user,admin", "X-Role:", "X-Role : admin", " X-Role: admin", "X-Role: Admin",
        "X-Role: user\r admin", "X-Role: user\rX-Role: admin", "X-Role: user\nX-Role: admin", "X-Role: us\0er", "X_Role: admin", "X-Role: user\r\n folded", "X-Role: \u00e9", "Connection: x-role", "Connection: close, X-Role",
        "X-Role: user1", "X-Role: administrator", "X-Role\t: admin", "X-Role: user;admin", "X-Other: x\r\n\tX-Role: admin",
    ];

    /// <summary>Ways around rules that have been used, by class.</summary>
    public static IEnumerable<string> Known()
    {
        string[] paths =
        [
            // The thing itself, and what is not it.
            "/admin", "/admin/", "/admin/users", "/public", "/public/x", "/", "/api/1/items", "/api/1/2/items", "/administrator",
            // Encoded letters, dots and slashes.
            "/%61dmin", "/%61%64%6d%69%6e", "/a%64min/users", "/%2561dmin", "/public/%2e%2e/admin", "/public/%2E%2E/admin", "/public/.%2e/admin", "/public/%2e./admin", "/public/..%2fadmin", "/public/..%2Fadmin",
            "/public%2f..%2fadmin", "/public/%2e%2e%2fadmin", "/public/%252e%252e/admin", "/public/..%252fadmin", "/%2fadmin", "/%2e/admin", "/admin%2f", "/admin%2fusers", "/admin%2e", "/api/1%2f2/items", "/api/%2e%2e/items",
            // Dots, slashes, backslashes.
            "/./admin", "/public/../admin", "/public/./../admin", "/public/../../../admin", "/../admin", "//admin", "///admin", "//admin//", "/public//../admin", "/public/..//admin", "/admin/.", "/admin/..", "/admin/../admin", "/public/x/../../admin/",
            "/public\\..\\admin", "\\admin", "/\\admin", "/public/..\\admin", "/public/..%5cadmin", "/public%5c..%5cadmin", "/public/%5c..%5c..%5cadmin", "/...", "/.../admin", "/public/.../admin",
            // Parameters.
            "/admin;x=1", "/admin;", "/;/admin", "/public/..;/admin", "/public/..;x=1/admin", "/public/.;/../admin", "/public;/../admin", "/public/..%3b/admin", "/public/%2e%2e;/admin", "/public/;x/../admin", "/;x=1/admin", "/admin%3bx", "/public;x=/../admin",
            // Queries and fragments.
            "/public?/../admin", "/public?x=/admin", "/admin?x=/public", "/public%3f/../../admin", "/public#/../admin", "/admin#", "/public%23/../../admin", "/?/admin", "?/admin", "/admin?",
            // Bytes that end, break or overstretch.
            "/admin%00", "/public%00/../admin", "/%00admin", "/admin\0", "/admin%0a", "/admin%0d%0a", "/admin%3Fx", "/admin%3f", "/admin%23x", "/admin%7F", "/admin%1f", "/admin%3F/items", "/admin%23/items", "/public%3F.jpg", "/admin%20", "/admin%09", "/ admin", "/admin x", "/public/%c0%ae%c0%ae/admin", "/public/..%c0%afadmin", "/public/%e0%80%ae%e0%80%ae/admin", "/public/..%c1%9cadmin",
            "/%ff", "/\u00e9", "/%c3%a9", "/admin%", "/admin%2", "/admin%zz", "/%u0061dmin", "/public/%uff0e%uff0e/admin", "/ADMIN", "/Admin", "/adm\u0131n",
        ];
        foreach (string path in paths) yield return $"GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n";

        // Absolute-form and what may follow a scheme; authority against Host.
        string[] absolute =
        [
            "http://admin.example/admin", "http://shop.example/public", "HTTP://ADMIN.EXAMPLE/public", "https://admin.example/", "http://shop.example/public/../admin", "http://shop.example//admin", "http://shop.example\\admin",
            "http://shop.example@admin.example/", "http://admin.example:80/", "http://admin.example.:080/", "http://shop.example?/admin", "http://shop.example#/admin", "http:///admin", "http:/admin", "http:admin", "ftp://shop.example/admin", "//admin.example/public", "http://shop.example/%2e%2e/admin",
        ];
        foreach (string target in absolute)
        {
            yield return $"GET {target} HTTP/1.1\r\nHost: shop.example\r\n\r\n";
            yield return $"GET {target} HTTP/1.1\r\nHost: admin.example\r\n\r\n";
        }

        foreach (string host in Hosts) yield return $"GET /public HTTP/1.1\r\nHost: {host}\r\n\r\n";
        yield return "GET /public HTTP/1.1\r\nHost: shop.example\r\nHost: admin.example\r\n\r\n";
        yield return "GET /public HTTP/1.1\r\nhost:admin.example\r\nX-Forwarded-Host: shop.example\r\n\r\n";
        yield return "GET /public HTTP/1.1\r\nHost: shop.example\r\n admin.example\r\n\r\n";
        yield return "GET /public HTTP/1.1\r\n\r\n";
        foreach (string method in Methods) yield return $"{method} /public HTTP/1.1\r\nHost: shop.example\r\n\r\n";

        // Fields: names, values, doubles, hops, injections.
        foreach (string role in Roles)
        {
            yield return $"GET /public HTTP/1.1\r\nHost: shop.example\r\n{role}\r\n\r\n";
            yield return $"GET /public HTTP/1.1\r\nHost: shop.example\r\nX-Role: user\r\n{role}\r\n\r\n";
            yield return $"GET /public HTTP/1.1\r\nHost: shop.example\r\n{role}\r\nX-Role: admin\r\n\r\n";
        }

        // What a rewriting proxy before us may have left.
        yield return "GET /public HTTP/1.1\r\nHost: shop.example\r\nX-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\n\r\n";
        yield return "GET /public HTTP/1.1\r\nHost: shop.example\r\nX-HTTP-Method-Override: DELETE\r\n\r\n";
        yield return "GET /public HTTP/1.1 HTTP/1.1\r\nHost: shop.example\r\n\r\n";
        yield return "GET  /admin HTTP/1.1\r\nHost: shop.example\r\n\r\n";
        yield return "GET /public\r\n\r\n";
        yield return "OPTIONS * HTTP/1.1\r\nHost: admin.example\r\n\r\n";
        yield return "GET * HTTP/1.1\r\nHost: admin.example\r\n\r\n";
    }

    /// <summary>A random request made of the same matter, as HTTP/1.1 has it.</summary>
    public static string Random(Random random)
    {
        var text = new StringBuilder(256);
        text.Append(random.Next(3) == 0 ? Methods[random.Next(Methods.Length)] : "GET").Append(' ');
        AppendTarget(text, random);
        text.Append(" HTTP/1.1\r\nHost: ").Append(random.Next(3) == 0 ? Hosts[random.Next(Hosts.Length)] : "shop.example").Append("\r\n");
        for (int i = random.Next(8) - 4; i > 0; i--) text.Append(Roles[random.Next(Roles.Length)]).Append("\r\n");
        return text.Append("\r\n").ToString();
    }

    /// <summary>The same as a field block of HTTP/2: each field a literal that no table remembers (RFC 7541 section 6.2.2), its octets whatever they are.</summary>
    public static byte[] RandomBlock(Random random)
    {
        var block = new List<byte>(256);
        var target = new StringBuilder();
        AppendTarget(target, random);
        Append(block, ":method", random.Next(3) == 0 ? Methods[random.Next(Methods.Length)] : "GET");
        Append(block, ":scheme", random.Next(30) == 0 ? "HTTP" : "http");
        Append(block, ":path", target.ToString());
        string host = random.Next(3) == 0 ? Hosts[random.Next(Hosts.Length)] : "shop.example";
        // Both may say it, and then they must say the same (RFC 9113 section 8.3.1).
        if (random.Next(8) != 0) Append(block, ":authority", host);
        if (random.Next(8) == 0) Append(block, "host", random.Next(2) == 0 ? host : Hosts[random.Next(Hosts.Length)]);
        for (int i = random.Next(8) - 4; i > 0; i--)
        {
            string role = Roles[random.Next(Roles.Length)];
            int colon = role.IndexOf(':', StringComparison.Ordinal);
            string name = role[..colon], value = role[(colon + 1)..];
            Append(block, random.Next(8) == 0 ? name : name.Trim().ToLowerInvariant(), random.Next(8) == 0 ? value : value.Trim());
        }

        if (random.Next(40) == 0) Append(block, ":path", "/public");
        return [.. block];
    }

    private static void AppendTarget(StringBuilder target, Random random)
    {
        if (random.Next(12) == 0) target.Append("http://").Append(Hosts[random.Next(Hosts.Length)]);
        if (random.Next(20) != 0) target.Append('/');
        for (int i = random.Next(7); i > 0; i--) target.Append(PathPieces[random.Next(PathPieces.Length)]);
        if (random.Next(40) == 0) target.Append((char)random.Next(256));
    }

    private static void Append(List<byte> block, string name, string value)
    {
        block.Add(0);
        AppendText(name);
        AppendText(value);

        void AppendText(string text)
        {
            // RFC 7541 section 5.1: an integer with a prefix of seven bits.
            if (text.Length < 127) block.Add((byte)text.Length);
            else
            {
                block.Add(127);
                int rest = text.Length - 127;
                for (; rest >= 128; rest >>= 7) block.Add((byte)(0x80 | (rest & 0x7F)));
                block.Add((byte)rest);
            }

            foreach (char one in text) block.Add((byte)one);
        }
    }
}
