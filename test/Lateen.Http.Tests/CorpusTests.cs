namespace Lateen.Http.Tests;

/// <summary>
/// Replays Corpus/: one file per message, byte for byte as on the wire. The name is <c>VERDICT.slug.req</c> or <c>.res</c>, where VERDICT is
/// <c>Accepted</c>, <c>Incomplete</c> or a rejection code. A fuzzing find is kept by adding its file.
/// </summary>
public sealed class CorpusTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Corpus");

    public static TheoryData<string> Files()
    {
        var files = new TheoryData<string>();
        foreach (string file in Directory.GetFiles(Folder).Order(StringComparer.Ordinal))
            if (file.EndsWith(".req", StringComparison.Ordinal) || file.EndsWith(".res", StringComparison.Ordinal)) files.Add(Path.GetFileName(file));
        return files;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Corpus_message_gets_the_verdict_in_its_name(string file)
    {
        byte[] message = File.ReadAllBytes(Path.Combine(Folder, file));
        bool isRequest = file.EndsWith(".req", StringComparison.Ordinal);
        Reading reading = isRequest
            ? Exchange.Request(message, new Http1RequestOptions { Path = PathPolicy.For(PathNormalization.Base) })
            : Exchange.Response(message);
        string verdict = reading.Code != HttpRejectionCode.None ? reading.Code.ToString()
            : reading.Verdict == "complete" || (!isRequest && reading.Head.Contains("|UntilClose|", StringComparison.Ordinal)) ? "Accepted" : "Incomplete";
        Assert.Equal(file.Split('.')[0], verdict);
    }
}
