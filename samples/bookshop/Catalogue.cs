namespace Bookshop;

/// <summary>A book as the shop's services speak of it.</summary>
internal sealed record Book(int Id, string Title, string Author, int Year, int Pages, string Publisher, string Language, string Blurb);

/// <summary>One reader's opinion; <see cref="Stars"/> is null when the ratings service was not asked or did not answer.</summary>
internal sealed record Review(string Reader, string Text, int? Stars);

/// <summary>The answer of the reviews service. <see cref="Version"/> and <see cref="Colour"/> let a person see which version spoke.</summary>
internal sealed record ReviewPage(int Id, string Version, string? Colour, string? Failure, Review[] Reviews);

/// <summary>The answer of the ratings service: stars (1 to 5) by reader.</summary>
internal sealed record RatingPage(int Id, Dictionary<string, int> Ratings);

/// <summary>The shelf. Small on purpose: the shop is here for its traffic.</summary>
internal static class Catalogue
{
    public static readonly Book[] Books =
    [
        new(0, "The Wind and the Windlass", "I. Marlowe", 1911, 212, "Harbour Press", "English",
            "A lateen rig, a reluctant crew and four thousand miles of contrary weather: how small boats learned to go where the wind was not going."),
        new(1, "A Field Guide to Headlands", "T. Okafor", 1987, 340, "Cape & Sons", "English",
            "Two hundred capes drawn from the deck, with the lights, the tides and the stories that keep them apart at night."),
        new(2, "Knots for the Impatient", "R. Salcedo", 2004, 96, "Bight Books", "English",
            "Eleven knots. That is all you need. The author spends the other ninety pages arguing with those who say twelve."),
    ];

    public static Book? Find(int id) => id >= 0 && id < Books.Length ? Books[id] : null;
}
