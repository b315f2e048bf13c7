namespace Bookshop;

/// <summary>The reviews service, in three versions that look different: v1 shows no stars, v2 dark ones, v3 red ones.</summary>
internal static class Reviews
{
    public static readonly string[] Readers = ["Ana", "Bruno"];

    private static readonly string[] Opinions =
    [
        "Read it in one watch and missed my relief. Worth the extra duty.",
        "Sound on the essentials, opinionated on the rest, and right more often than is comfortable.",
    ];

    public static void Map(WebApplication app, string version) =>
        app.MapGet("/reviews/{id:int}", async (int id, HttpContext context) =>
        {
            if (Catalogue.Find(id) is null)
            {
                return Results.NotFound();
            }

            RatingPage? ratings = null;
            string? failure = null;
            if (version != "v1")
            {
                (ratings, failure) = await CallContext.GetAsync<RatingPage>(context, $"http://ratings:9080/ratings/{id}");
            }

            var reviews = Readers.Select((reader, index) =>
                new Review(reader, Opinions[index], ratings?.Ratings.TryGetValue(reader, out var stars) == true ? stars : null));
            var colour = version switch { "v2" => "ink", "v3" => "red", _ => null };
            return Results.Json(new ReviewPage(id, version, colour, failure, [.. reviews]));
        });
}
