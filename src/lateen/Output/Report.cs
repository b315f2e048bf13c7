using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Output;

/// <summary>Prints what verbs have in common: structured answers, diagnostics, and the one form that every error takes.</summary>
internal static class Report
{
    private static readonly JsonWriterOptions Indented = new()
    {
        Indented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes a value as indented JSON or as YAML with the same fields in the same order.</summary>
    public static void Structured<T>(CliEnvironment environment, OutputFormat format, T value, JsonTypeInfo<T> type) =>
        Structured(environment, format, JsonSerializer.SerializeToElement(value, type));

    public static void Structured(CliEnvironment environment, OutputFormat format, JsonElement value)
    {
        if (format == OutputFormat.Yaml)
        {
            environment.Output.Write(JsonToYaml.Convert(value));
            return;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Indented)) value.WriteTo(writer);
        environment.Output.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    /// <summary>One line per diagnostic as compilers write them, so that editors can jump to it, and the hint under it.</summary>
    public static void Diagnostics(TextWriter writer, IEnumerable<DiagnosticView> diagnostics)
    {
        foreach (var diagnostic in diagnostics)
        {
            string place = diagnostic switch
            {
                { File: "" } => diagnostic.Resource,
                { Line: > 0 } => $"{diagnostic.File}:{diagnostic.Line}:{diagnostic.Column}",
                _ => diagnostic.File,
            };
            string field = diagnostic.Field.Length > 0 ? $"{diagnostic.Field}: " : "";
            string resource = diagnostic.Resource.Length > 0 && place != diagnostic.Resource ? $" ({diagnostic.Resource})" : "";
            writer.WriteLine($"{place}: {diagnostic.Severity} {diagnostic.Code}: {field}{diagnostic.Message}{resource}");
            if (diagnostic.Hint is { Length: > 0 } hint) writer.WriteLine($"    hint: {hint}");
        }
    }

    public static void Error(CliEnvironment environment, CliException error)
    {
        string label = environment is { UseColor: true, IsErrorTerminal: true } ? "\e[31merror:\e[0m" : "error:";
        environment.Error.WriteLine($"{label} {error.Message}");
        if (error.Hint is { } hint) environment.Error.WriteLine($"  {hint}");
    }

    public static string Count(int number, string singular) => number == 1 ? $"1 {singular}" : $"{number} {singular}s";
}
