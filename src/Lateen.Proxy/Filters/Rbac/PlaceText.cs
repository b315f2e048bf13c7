namespace Lateen.Proxy.Filters.Rbac;

/// <summary>Where policies are written, as logs and statistics say it: in one word, and bounded. Made when rules are compiled.</summary>
internal static class PlaceText
{
    /// <summary>Of one place. Characters. Hit: the end is kept, which names file and line.</summary>
    public const int MaxLength = 256;

    /// <summary>Places named together. Count. Hit: the rest is counted.</summary>
    private const int MaxPlaces = 3;

    private const string CutOff = "...";

    /// <returns>Empty for null.</returns>
    public static string Of(string? place)
    {
        if (string.IsNullOrEmpty(place)) return string.Empty;
        return OneWord(place.Length <= MaxLength ? place : string.Concat(CutOff, place.AsSpan(place.Length - MaxLength + CutOff.Length)));
    }

    /// <summary>The first three, and how many more there are: <c>a.yaml:2,b.yaml:7,b.yaml:9,+4</c>.</summary>
    public static string OfSeveral(IEnumerable<string> places)
    {
        string[] all = [.. places.Distinct(StringComparer.Ordinal)];
        string first = string.Join(',', all.Take(MaxPlaces).Select(Of));
        return all.Length <= MaxPlaces ? first : $"{first},+{all.Length - MaxPlaces}";
    }

    /// <summary>White space would break a line of the log into other fields, and a control character into lines.</summary>
    public static string OneWord(string text) => string.Create(text.Length, text, static (word, text) =>
    {
        for (int i = 0; i < word.Length; i++) word[i] = char.IsWhiteSpace(text[i]) || char.IsControl(text[i]) ? '_' : text[i];
    });
}
