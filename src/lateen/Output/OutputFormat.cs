namespace Lateen.Cli.Output;

/// <summary>How an answer is printed: for people (table) or for programs (json, yaml).</summary>
internal enum OutputFormat
{
    Table,
    Json,
    Yaml,
}
