using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Lateen.Yaml;

/// <summary>
/// Builds nodes from YamlDotNet's event stream, one document at a time, with an explicit stack so that depth is bounded by the limit
/// and not by the thread's stack. Only the event level of YamlDotNet is used: it needs no reflection and survives trimming.
/// </summary>
internal sealed class DocumentParser
{
    private readonly YamlLimits _limits;
    private readonly int _lineOffset;
    private readonly List<YamlError> _errors = [];
    private readonly Dictionary<string, YamlNode> _anchors = new(StringComparer.Ordinal);
    private readonly HashSet<string> _openAnchors = new(StringComparer.Ordinal);
    private readonly Stack<NodeFrame> _frames = new();
    private long _expandedNodes;
    private YamlNode? _root;

    private DocumentParser(YamlLimits limits, int startLine)
    {
        _limits = limits;
        _lineOffset = startLine - 1;
    }

    public static void Parse(DocumentSplitter.Chunk chunk, YamlLimits limits, ImmutableArray<YamlDocument>.Builder documents)
    {
        var parser = new DocumentParser(limits, chunk.StartLine);
        bool inDocument = false;
        int startLine = chunk.StartLine;
        try
        {
            var events = new Parser(new Scanner(new StringReader(chunk.Text), skipComments: true));
            while (MoveNext(events))
            {
                switch (events.Current)
                {
                    case DocumentStart:
                        inDocument = true;
                        break;
                    case DocumentEnd:
                        inDocument = false;
                        parser.Finish(startLine, documents);
                        // A chunk holds a second document only after "..." without "---"; its own line is good enough.
                        startLine = parser.PositionOf(events.Current.End).Line;
                        parser = new DocumentParser(limits, chunk.StartLine);
                        break;
                    case { } current when inDocument && !parser.Accept(current):
                        documents.Add(new YamlDocument(documents.Count, startLine, null, [.. parser._errors]));
                        return;
                }
            }
        }
        catch (YamlException fault)
        {
            parser._errors.Add(new YamlError(parser.PositionOf(fault.Start), SyntaxMessage.Of(fault)));
            documents.Add(new YamlDocument(documents.Count, startLine, null, [.. parser._errors]));
        }
    }

    /// <summary>The scanner reports some nonsense texts by other exceptions than its own; to a reader of files they are the same.</summary>
    private static bool MoveNext(Parser events)
    {
        try
        {
            return events.MoveNext();
        }
        catch (Exception fault) when (fault is InvalidOperationException or ArgumentException or IndexOutOfRangeException or FormatException)
        {
            Mark at = events.Current?.End ?? Mark.Empty;
            throw new YamlException(at, at, "the structure breaks off here; look for a bracket, brace or quote that is not closed", fault);
        }
    }

    private void Finish(int startLine, ImmutableArray<YamlDocument>.Builder documents)
    {
        if (_errors.Count > 0)
        {
            documents.Add(new YamlDocument(documents.Count, startLine, null, [.. _errors]));
        }
        else if (_root is not null and not YamlScalar { Type: YamlScalarType.Null, Text.Length: 0 })
        {
            documents.Add(new YamlDocument(documents.Count, startLine, _root, []));
        }
    }

    /// <returns>False when a bound was passed and parsing must stop; faults that do not hinder parsing are collected.</returns>
    private bool Accept(ParsingEvent current)
    {
        switch (current)
        {
            case Scalar scalar:
                YamlScalar value = ToScalar(scalar);
                Complete(value, NameOf(scalar.Anchor));
                return Count(value);
            case AnchorAlias alias:
                YamlNode repeated = Resolve(alias);
                Complete(repeated, null);
                return Count(repeated);
            case MappingStart start:
                return Open(new NodeFrame(isMapping: true, PositionOf(start.Start), NameOf(start.Anchor)), start, "tag:yaml.org,2002:map");
            case SequenceStart start:
                return Open(new NodeFrame(isMapping: false, PositionOf(start.Start), NameOf(start.Anchor)), start, "tag:yaml.org,2002:seq");
            case MappingEnd or SequenceEnd:
                NodeFrame frame = _frames.Pop();
                if (frame.Anchor is not null)
                {
                    _openAnchors.Remove(frame.Anchor);
                }

                YamlNode container = frame.Build(_errors);
                Complete(container, frame.Anchor);
                return container.ExpandedCount > 1 || Count(container);
            default:
                return true;
        }
    }

    private bool Open(NodeFrame frame, NodeEvent start, string expectedTag)
    {
        if (!start.Tag.IsEmpty && !start.Tag.IsNonSpecific && start.Tag.Value != expectedTag)
        {
            _errors.Add(new YamlError(frame.Position, $"the tag {start.Tag.Value} is not supported; remove it"));
        }

        if (_frames.Count >= _limits.MaxDepth)
        {
            _errors.Add(new YamlError(frame.Position, $"values are nested more than {_limits.MaxDepth} levels deep"));
            return false;
        }

        if (frame.Anchor is not null)
        {
            _openAnchors.Add(frame.Anchor);
        }

        _frames.Push(frame);
        return true;
    }

    private void Complete(YamlNode node, string? anchor)
    {
        if (anchor is not null)
        {
            _anchors[anchor] = node;
        }

        if (_frames.TryPeek(out NodeFrame? parent))
        {
            parent.Add(node, _errors);
        }
        else
        {
            _root = node;
        }
    }

    /// <summary>Counts leaves and what aliases repeat; containers that hold something are bounded by what they hold and by depth.</summary>
    private bool Count(YamlNode node)
    {
        _expandedNodes += node.ExpandedCount;
        if (_expandedNodes <= _limits.MaxExpandedNodes)
        {
            return true;
        }

        _errors.Add(new YamlError(node.Position, $"the document holds more than {_limits.MaxExpandedNodes} values (aliases count as what they repeat)"));
        return false;
    }

    private YamlNode Resolve(AnchorAlias alias)
    {
        YamlPosition position = PositionOf(alias.Start);
        string name = alias.Value.Value;
        if (_openAnchors.Contains(name))
        {
            _errors.Add(new YamlError(position, $"the alias *{name} stands inside the value that it repeats"));
        }
        else if (_anchors.TryGetValue(name, out YamlNode? node))
        {
            return node;
        }
        else
        {
            _errors.Add(new YamlError(position, $"the alias *{name} has no anchor &{name} before it"));
        }

        return new YamlScalar(string.Empty, YamlScalarType.Null, position);
    }

    private YamlScalar ToScalar(Scalar scalar)
    {
        YamlPosition position = PositionOf(scalar.Start);
        if (scalar.Tag.IsEmpty)
        {
            YamlScalarType type = scalar.Style == ScalarStyle.Plain ? YamlNumber.Resolve(scalar.Value) : YamlScalarType.String;
            return new YamlScalar(scalar.Value, type, position);
        }

        if (scalar.Tag.IsNonSpecific)
        {
            return new YamlScalar(scalar.Value, YamlScalarType.String, position);
        }

        YamlScalarType resolved = YamlNumber.Resolve(scalar.Value);
        bool fits;
        (YamlScalarType tagged, fits) = scalar.Tag.Value switch
        {
            "tag:yaml.org,2002:str" => (YamlScalarType.String, true),
            "tag:yaml.org,2002:int" => (YamlScalarType.Integer, resolved == YamlScalarType.Integer),
            "tag:yaml.org,2002:float" => (YamlScalarType.Float, resolved is YamlScalarType.Float or YamlScalarType.Integer),
            "tag:yaml.org,2002:bool" => (YamlScalarType.Boolean, resolved == YamlScalarType.Boolean),
            "tag:yaml.org,2002:null" => (YamlScalarType.Null, resolved == YamlScalarType.Null),
            _ => (YamlScalarType.String, false),
        };
        if (!fits)
        {
            _errors.Add(new YamlError(position, $"the tag {scalar.Tag.Value} does not fit '{scalar.Value}' or is not supported"));
        }

        return new YamlScalar(scalar.Value, tagged, position);
    }

    private YamlPosition PositionOf(Mark mark) => new((int)mark.Line + _lineOffset, (int)mark.Column);

    private static string? NameOf(AnchorName anchor) => anchor.IsEmpty ? null : anchor.Value;
}
