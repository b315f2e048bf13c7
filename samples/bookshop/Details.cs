namespace Bookshop;

/// <summary>The details service: what is printed on the cover.</summary>
internal static class Details
{
    public static void Map(WebApplication app) =>
        app.MapGet("/details/{id:int}", (int id) => Catalogue.Find(id) is { } book ? Results.Json(book) : Results.NotFound());
}
