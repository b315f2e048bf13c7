using Lateen.Yaml;

namespace Lateen.Xds.Text;

/// <summary>What is wrong with one field of a configuration text.</summary>
/// <param name="Path">From the root message, in proto names: <c>static_resources.listeners[0].filter_chains[0]</c>; empty for the root.</param>
/// <param name="Position">Where the offending key or value stands.</param>
/// <param name="Message">One sentence: what was found, what is expected and, when it can be guessed, what was meant.</param>
public sealed record ProtoFault(string Path, YamlPosition Position, string Message)
{
    /// <summary><c>path: message (line 3, column 5)</c>.</summary>
    public override string ToString()
    {
        string place = Position.Line == 0 ? string.Empty : $" (line {Position.Line}, column {Position.Column})";
        return Path.Length == 0 ? Message + place : $"{Path}: {Message}{place}";
    }
}
