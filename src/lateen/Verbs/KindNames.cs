using Lateen.Model;

namespace Lateen.Cli.Verbs;

/// <summary>The kinds that shells complete: plural names, then the short ones.</summary>
internal static class KindNames
{
    public static string[] ForCompletion() =>
        ["all", .. ResourceKind.All.Select(kind => kind.Plural), .. ResourceKind.All.SelectMany(kind => kind.ShortNames)];
}
