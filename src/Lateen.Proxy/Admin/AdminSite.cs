using System.Net;

namespace Lateen.Proxy.Admin;

/// <summary>All admin pages: finds the one that is asked for, and answers for itself where none is.</summary>
public sealed class AdminSite
{
    private readonly SortedDictionary<string, AdminPage> _pages = new(StringComparer.Ordinal);

    public AdminSite(IEnumerable<AdminPage> pages)
    {
        Add(new AdminPage("/", "Admin home page", false, (_, response) => WriteIndex(response)));
        Add(new AdminPage("/help", "print out list of admin commands", false, (_, response) => WriteHelp(response)));
        foreach (var page in pages) Add(page);
    }

    /// <summary>Answers a request.</summary>
    public ValueTask AnswerAsync(AdminRequest request, AdminResponse response, CancellationToken cancellation)
    {
        if (!_pages.TryGetValue(request.Path, out var page))
        {
            response.Status = 404;
            response.Write("invalid path. ");
            WriteHelp(response);
            return ValueTask.CompletedTask;
        }

        if (page.IsCommand && !request.IsPost)
        {
            response.Allow = "POST";
            response.Refuse(405, "Method GET not allowed, POST required.");
            return ValueTask.CompletedTask;
        }

        if (!page.IsCommand && request.IsPost)
        {
            response.Allow = "GET, HEAD";
            response.Refuse(405, "Method POST not allowed, GET required.");
            return ValueTask.CompletedTask;
        }

        return page.Answer(request, response, cancellation);
    }

    private void Add(AdminPage page) => _pages.Add(page.Path, page);

    private void WriteHelp(AdminResponse response)
    {
        response.Write("admin commands are:\n");
        foreach (var page in _pages.Values) response.Write($"  {page.Path}{(page.IsCommand ? " (POST)" : string.Empty)}: {page.Help}\n");
    }

    private void WriteIndex(AdminResponse response)
    {
        response.ContentType = AdminResponse.Html;
        response.Write(
            """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>Lateen proxy</title>
            <style>body{font:14px/1.5 system-ui,sans-serif;margin:2em}td{padding:.2em 1.5em .2em 0;vertical-align:top}button{font:inherit}</style>
            </head><body><h1>Lateen proxy</h1><table>

            """);
        foreach (var page in _pages.Values)
        {
            var path = WebUtility.HtmlEncode(page.Path);
            var name = page.IsCommand
                ? $"<form method=\"post\" action=\"{path}\"><button>{path}</button></form>"
                : $"<a href=\"{path}\">{path}</a>";
            response.Write($"<tr><td>{name}</td><td>{WebUtility.HtmlEncode(page.Help)}</td></tr>\n");
        }

        response.Write("</table></body></html>\n");
    }
}
