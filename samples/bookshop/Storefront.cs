using System.Net;
using System.Text;

namespace Bookshop;

/// <summary>The storefront: the page that a person opens. It asks details and reviews, and shows what it could get.</summary>
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
        var (book, bookFailure) = await detailsCall;
        var (reviews, reviewsFailure) = await reviewsCall;

        // The page degrades piece by piece; it fails as a whole only when it has nothing to show.
        var status = book is null && reviews is null ? StatusCodes.Status502BadGateway : StatusCodes.Status200OK;
        context.Response.Headers["x-reviews-version"] = reviews?.Version ?? "none";
        return Results.Content(Page(id, user, book, bookFailure, reviews, reviewsFailure), "text/html; charset=utf-8", Encoding.UTF8, status);
    }

    private static string Page(int id, string user, Book? book, string? bookFailure, ReviewPage? reviews, string? reviewsFailure)
    {
        var shelf = string.Concat(Catalogue.Books.Select(other =>
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
                <dl><dt>Publisher</dt><dd>{Escape(book.Publisher)}</dd><dt>Pages</dt><dd>{book.Pages}</dd><dt>Language</dt><dd>{Escape(book.Language)}</dd></dl>
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
              .missing { color:#7a4b00 } small { color:#6a6f73 }
            </style></head><body>
            <header><b>Bookshop</b>{{account}}</header>
            <nav>{{shelf}}</nav>
            <main>{{cover}}<section><h2>Readers say {{spoke}}</h2>{{opinions}}</section></main>
            </body></html>
            """;
    }

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
}
