using System.Text.RegularExpressions;

namespace Lateen.Architecture.Tests;

/// <summary>Each clause of RFC 9112 that demands something of a recipient, a sender or a proxy has tests that name it.</summary>
public sealed partial class RfcClauseTests
{
    /// <summary>
    /// Clauses with a MUST or MUST NOT for a server, a client or an intermediary. Not here: 7.2 and 7.3 (transfer codings other than chunked, which are refused
    /// by 6.1), 9.1, 9.4 and 9.5 (no MUST), 9.7 and 9.8 (TLS, whose tests are of the connection and not of the codec), 10 (media types).
    /// </summary>
    private static readonly string[] Demanding =
    [
        "2.2", "2.3", "3", "3.1", "3.2", "3.2.1", "3.2.2", "3.2.3", "3.2.4", "4", "5", "5.1", "5.2", "6", "6.1", "6.2", "6.3", "7.1", "7.1.1", "7.1.2", "7.1.3", "7.4", "8",
        "9.2", "9.3", "9.3.1", "9.3.2", "9.6",
    ];

    [Fact]
    public void Every_clause_of_RFC_9112_that_demands_something_has_a_test_with_its_number()
    {
        var tested = HouseRules.Sources("test")
            .SelectMany(path => Clause().Matches(File.ReadAllText(path)))
            .Select(match => match.Groups["clause"].Value.Replace('_', '.'))
            .ToHashSet();

        Assert.Empty(Demanding.Except(tested));
        Assert.Empty(tested.Except(Demanding));
    }

    [GeneratedRegex(@"(?:void|Task) Rfc9112_(?<clause>[0-9]+(?:_[0-9]+)*)_[a-z]")]
    private static partial Regex Clause();
}
