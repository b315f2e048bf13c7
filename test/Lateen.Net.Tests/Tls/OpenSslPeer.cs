using System.Diagnostics;
using System.Text;

namespace Lateen.Net.Tests.Tls;

/// <summary>The <c>openssl</c> program as the other side: lines in, its output watched for what it should say.</summary>
internal sealed class OpenSslPeer : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly SemaphoreSlim _news = new(0);

    private OpenSslPeer(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    internal string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts <c>openssl</c>; the test is skipped where there is none.</summary>
    internal static OpenSslPeer Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("openssl", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            return new OpenSslPeer(Process.Start(start)!);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("The openssl program is not installed (Debian package openssl).");
            throw;
        }
    }

    internal Task Type(string line)
    {
        _process.StandardInput.Write(line + "\n");
        return _process.StandardInput.FlushAsync(Cancellation);
    }

    internal void EndInput() => _process.StandardInput.Close();

    /// <summary>Waits until the output contains <paramref name="text"/>, from <paramref name="from"/> on.</summary>
    internal async Task<string> Say(string text, int from = 0)
    {
        while (true)
        {
            var output = Output;
            if (output.IndexOf(text, from, StringComparison.Ordinal) >= 0)
                return output;
            if (!await _news.WaitAsync(TestReactor.Patience, Cancellation))
                Assert.Fail($"openssl did not say \"{text}\"; it said:\n{output}");
        }
    }

    internal async Task Exit() => await _process.WaitForExitAsync(Cancellation).WaitAsync(TestReactor.Patience, Cancellation);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        _news.Dispose();
    }

    private void Note(string? line)
    {
        if (line is null)
            return;
        lock (_output)
            _output.Append(line).Append('\n');
        _news.Release();
    }
}
