namespace Lateen.Model.Reading;

/// <summary>Where each line of a text begins, so that ranges of lines can be cut out.</summary>
internal sealed class LineIndex
{
    private readonly string _text;
    private readonly List<int> _starts = [0];

    public LineIndex(string text)
    {
        _text = text;
        for (var i = 0; i < text.Length; i++)
            if (text[i] == '\n' && i + 1 < text.Length) _starts.Add(i + 1);
    }

    public int Count => _starts.Count;

    /// <summary>Lines from first to last, both included and counted from 1, with their line ends.</summary>
    public string Cut(int first, int last) =>
        first > Count ? "" : _text[_starts[first - 1]..(last >= Count ? _text.Length : _starts[last])];

    public string Line(int number) => Cut(number, number).TrimEnd('\r', '\n');
}
