namespace Lateen.Telemetry.AccessLogs;

/// <summary>Why a format was refused, for the person who wrote it.</summary>
/// <param name="Message">What is wrong, with the operator as it was written.</param>
/// <param name="Position">Where the operator begins in its format string, from 0.</param>
/// <param name="Path">For a JSON format, the keys that lead to the string, parted by dots; empty for a text format.</param>
public sealed record AccessLogFormatError(string Message, int Position, string Path = "")
{
    /// <summary>The whole sentence.</summary>
    public override string ToString()
    {
        return Path.Length == 0 ? $"{Message} (at position {Position})" : $"{Path}: {Message} (at position {Position})";
    }
}
