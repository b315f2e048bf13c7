using System.Diagnostics;

namespace Lateen.Testing;

/// <summary>What a program said and how it ended, its two streams apart: for programs whose output is a contract.</summary>
public sealed record ProgramResult(int ExitCode, string Output, string Error)
{
    /// <summary>Runs a program to its end. <paramref name="input"/> is its standard input; null closes it at once.</summary>
    public static async Task<ProgramResult> OfAsync(
        string fileName, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, string? input, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(fileName) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{fileName} did not start.");
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancel);
            var error = process.StandardError.ReadToEndAsync(cancel);
            if (input is not null)
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), cancel);
            }

            process.StandardInput.Close();
            await process.WaitForExitAsync(cancel);
            return new ProgramResult(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
