namespace Lateen.Bench.Footprint;

/// <summary>The server behind everything, and a folder for files that end with it.</summary>
internal sealed class RunningUpstream : IDisposable
{
    private readonly RunningProgram _program;

    /// <param name="bodyBytes">Tells this server's answers from another's.</param>
    internal RunningUpstream(int bodyBytes)
    {
        Port = RunningProgram.FreePort();
        BodyBytes = bodyBytes;
        _program = RunningProgram.Start("bench/Lateen.Bench.Upstream/bin/Release/net10.0/Lateen.Bench.Upstream", [$"{Port}", $"{bodyBytes}"]);
        _program.WaitForLine("listening ", TimeSpan.FromSeconds(20));
    }

    internal int Port { get; }

    internal int BodyBytes { get; }

    internal string Folder { get; } = Directory.CreateTempSubdirectory("lateen-footprint-").FullName;

    public void Dispose()
    {
        _program.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
