using System.Net;
using System.Text;
using System.Text.Json;

namespace Bookshop;

/// <summary>
/// The storefront: the page that a person opens. It asks details and reviews (HTTP), inventory (gRPC) and the counter of visits (Redis over TCP), and shows
/// what it could get; the page itself follows the orders over a WebSocket.
/// </summary>
internal static class Storefront
{
    public static void Map(WebApplication app)
    {
        app.MapGet("/", () => Results.Redirect("/book/0"));
        app.MapGet("/book/{id:int}", ShowAsync);
        app.MapPost("/login", async (HttpContext context) =>
        {
            var form = await context.Request.ReadFormAsync();
            var user = new string([.. form["user"].ToString().Where(char.IsAsciiLetterOrDigit).Take(32)]);
            if (user.Length > 0)
            {
                context.Response.Cookies.Append("user", user, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Lax });
            }

            return Results.Redirect("/book/0");
        });
        app.MapPost("/logout", (HttpContext context) =>
        {
            context.Response.Cookies.Delete("user");
            return Results.Redirect("/book/0");
        });
        app.MapGet("/admin", ShowAdmin);
    }

    /// <summary>Knows nothing of tokens: who may see it is the mesh's affair, and what the mesh says of them comes in a header.</summary>
    private static IResult ShowAdmin(HttpContext context)
    {
        var role = context.Request.Headers["x-staff-role"].ToString();
        return Results.Content($"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>Bookshop, back office</title></head>
            <body><h1>Back office</h1><p>You are here as <b data-test="role">{Escape(role.Length > 0 ? role : "anybody")}</b>.</p></body></html>
            """, "text/html; charset=utf-8", Encoding.UTF8);
    }

    private static async Task<IResult> ShowAsync(int id, HttpContext context)
    {
        // Who is looking travels as a header, so that a route can send one reader to another version.
        if (!context.Request.Headers.ContainsKey("end-user") && context.Request.Cookies["user"] is { Length: > 0 } cookie)
        {
            context.Request.Headers["end-user"] = cookie;
        }

        var user = context.Request.Headers["end-user"].ToString();
        var detailsCall = CallContext.GetAsync<Book>(context, $"http://details:9080/details/{id}");
        var reviewsCall = CallContext.GetAsync<ReviewPage>(context, $"http://reviews:9080/reviews/{id}");
        var stockCall = context.RequestServices.GetRequiredService<InventoryClient>().GetStockAsync(context, id);
        var visitsCall = context.RequestServices.GetRequiredService<Visits>().CountAsync(id);
        var (book, bookFailure) = await detailsCall;
        var (reviews, reviewsFailure) = await reviewsCall;
        var shelf = new Shelf(await stockCall, await visitsCall);

        // The page degrades piece by piece; it fails as a whole only when it has nothing to show. The header says whether reviews are on it:
        // whoever counts failures looks there, as the status hides them.
        var status = book is null && reviews is null ? StatusCodes.Status502BadGateway : StatusCodes.Status200OK;
        context.Response.Headers["x-reviews-version"] = reviews?.Version ?? "none";
        return Results.Content(Page(id, user, book, bookFailure, reviews, reviewsFailure, shelf), "text/html; charset=utf-8", Encoding.UTF8, status);
    }

    private static string Page(int id, string user, Book? book, string? bookFailure, ReviewPage? reviews, string? reviewsFailure, Shelf shelf)
    {
        var titles = string.Concat(Catalogue.Books.Select(other =>
            $"<a href=\"/book/{other.Id}\"{(other.Id == id ? " class=\"here\"" : "")}>{Escape(other.Title)}</a>"));
        var account = user.Length > 0
            ? $"<form method=\"post\" action=\"/logout\"><span data-test=\"user\">{Escape(user)}</span><button>Sign out</button></form>"
            : "<form method=\"post\" action=\"/login\"><input name=\"user\" placeholder=\"reader's name\" aria-label=\"Reader's name\" maxlength=\"32\"><button>Sign in</button></form>";
        var cover = book is null
            ? $"<section class=\"missing\"><h1>Book {id}</h1><p>The details are not to be had right now ({Escape(bookFailure ?? "not found")}).</p></section>"
            : $"""
              <section>
                <h1>{Escape(book.Title)}</h1>
                <p class="by">{Escape(book.Author)}, {book.Year}</p>
                <p>{Escape(book.Blurb)}</p>
                <dl><dt>Publisher</dt><dd>{Escape(book.Publisher)}</dd><dt>Pages</dt><dd>{book.Pages}</dd><dt>Language</dt><dd>{Escape(book.Language)}</dd>
                <dt>In stock</dt><dd data-test="stock">{Stock(shelf)}</dd><dt>Opened</dt><dd data-test="visits">{VisitCount(shelf)}</dd></dl>
              </section>
              """;
        var opinions = reviews is null
            ? $"<p class=\"missing\">No reviews right now ({Escape(reviewsFailure ?? "not found")}).</p>"
            : string.Concat(reviews.Reviews.Select(review =>
                $"<blockquote><p>{Escape(review.Text)}</p><footer>{Escape(review.Reader)} {Stars(review, reviews)}</footer></blockquote>"));
        var spoke = reviews is null ? "" : $"<small data-test=\"reviews-version\">reviews {Escape(reviews.Version)}</small>";

        return $$"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Bookshop</title>
            <style>
              :root { --ink:#1d2a35; --sea:#0e5a6d; --sail:#f6f1e7; --line:#d9cfbc; --red:#b3261e }
              * { box-sizing:border-box } body { margin:0; font:17px/1.55 Georgia,serif; color:var(--ink); background:var(--sail) }
              header { display:flex; gap:1rem; align-items:center; padding:.8rem 1.4rem; background:var(--sea); color:#fff; flex-wrap:wrap }
              header b { font-size:1.25rem; letter-spacing:.02em } header form { margin-left:auto; display:flex; gap:.5rem; align-items:center }
              input,button { font:inherit; font-size:.9rem; padding:.25rem .6rem; border:1px solid var(--line); border-radius:.3rem }
              button { background:#fff; color:var(--sea); cursor:pointer }
              nav { display:flex; gap:1.2rem; padding:.6rem 1.4rem; border-bottom:1px solid var(--line); flex-wrap:wrap }
              nav a { color:var(--sea); text-decoration:none } nav a.here { color:var(--ink); border-bottom:2px solid var(--sea) }
              main { max-width:60rem; margin:1.6rem auto; padding:0 1.4rem; display:grid; gap:2.2rem; grid-template-columns:3fr 2fr }
              @media (max-width:44rem) { main { grid-template-columns:1fr } }
              h1 { margin:.1rem 0; line-height:1.2 } h2 { margin:0 0 .6rem } .by { font-style:italic; margin-top:0 }
              dl { display:grid; grid-template-columns:auto 1fr; gap:.2rem 1rem; font-size:.92rem } dt { color:#6a6f73 } dd { margin:0 }
              blockquote { margin:0 0 1rem; padding:.8rem 1rem; background:#fff; border:1px solid var(--line); border-radius:.4rem }
              blockquote p { margin:0 0 .4rem } footer { font-size:.9rem; color:#59616a } .ink { color:var(--ink) } .red { color:var(--red) }
              .orders ol { list-style:none; margin:.8rem 0 0; padding:0; font-size:.92rem } .orders li { padding:.25rem 0; border-bottom:1px solid var(--line) }
              .orders { grid-column:1/-1 } button:disabled { opacity:.5; cursor:default } .missing { color:#7a4b00 } small { color:#6a6f73 }
            </style></head><body>
            <header><b>Bookshop</b>{{account}}</header>
            <nav>{{titles}}</nav>
            <main>{{cover}}<section><h2>Readers say {{spoke}}</h2>{{opinions}}</section>
              <section class="orders"><h2>Orders, as they come <small data-test="orders-state">connecting</small></h2>
                <button type="button" data-test="buy" disabled>Buy this book</button><ol data-test="orders"></ol></section></main>
            {{LiveOrders(id, user)}}
            </body></html>
            """;
    }

    // The address is the page's own, so that it works through any ingress, with TLS and without.
    private static string LiveOrders(int id, string user) => $$"""
        <script>
        (() => {
          const of = name => document.querySelector(`[data-test="${name}"]`);
          const [list, state, buy] = [of("orders"), of("orders-state"), of("buy")];
          const order = JSON.stringify({ book: {{id}}, reader: {{JsonSerializer.Serialize(user)}} });
          let pause = 500;
          const follow = () => {
            const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/orders/live`);
            socket.onopen = () => { state.textContent = "live"; buy.disabled = false; pause = 500; };
            socket.onmessage = message => {
              const told = JSON.parse(message.data), line = document.createElement("li");
              line.textContent = `No. ${told.number}: ${told.title}, for ${told.reader}`;
              list.prepend(line);
              while (list.children.length > 6) list.lastChild.remove();
            };
            socket.onclose = () => { state.textContent = "not to be had right now"; buy.disabled = true; setTimeout(follow, pause = Math.min(pause * 2, 10000)); };
            buy.onclick = () => socket.send(order);
          };
          follow();
        })();
        </script>
        """;

    private static string Stock(Shelf shelf) => shelf.Stock.Stock is { } stock
        ? $"{stock.Copies}, {Escape(stock.Place)} <small>inventory {Escape(stock.Version)}</small>"
        : $"<span class=\"missing\">not known right now ({Escape(shelf.Stock.Failure ?? "no answer")})</span>";

    private static string VisitCount(Shelf shelf) => shelf.Visits.Count is { } count
        ? $"{count} times"
        : $"<span class=\"missing\">not counted right now ({Escape(shelf.Visits.Failure ?? "no answer")})</span>";

    private static string Stars(Review review, ReviewPage page)
    {
        if (page.Colour is null)
        {
            return "";
        }

        return review.Stars is { } stars
            ? $"<span class=\"{page.Colour}\" aria-label=\"{stars} of 5 stars\">{new string('★', stars)}{new string('☆', 5 - stars)}</span>"
            : $"<span class=\"missing\">ratings: {Escape(page.Failure ?? "none")}</span>";
    }

    private static string Escape(string text) => WebUtility.HtmlEncode(text);

    /// <summary>What stands beside the book: its stock and how often its page was opened.</summary>
    private sealed record Shelf((Wire.Stock? Stock, string? Failure) Stock, (long? Count, string? Failure) Visits);
}
