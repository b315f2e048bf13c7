using System.Collections.Immutable;
using Lateen.ControlPlane.Api;
using Lateen.ControlPlane.Metrics;
using Lateen.ControlPlane.Store;
using Lateen.Discovery;
using Lateen.Discovery.Files;
using Lateen.Model;

namespace Lateen.ControlPlane;

/// <summary>
/// Feeds the store from the configuration directory and the mesh file. What is good goes in, what is wrong is logged once and shown by the API; the last
/// good version of a refused resource stays, which is the source's work.
/// </summary>
internal sealed class ConfigurationDirectory : IAsyncDisposable
{
    private readonly ResourceStore _store;
    private readonly SourceDiagnostics _diagnostics;
    private readonly ControlPlaneMetrics _metrics;
    private readonly Action<string> _log;
    private readonly DirectoryConfigSource? _source;
    private readonly ReadTexts _mesh;
    private ImmutableArray<Diagnostic> _told = [];

    private ConfigurationDirectory(
        ControlPlaneOptions options, ResourceStore store, SourceDiagnostics diagnostics, ControlPlaneMetrics metrics, ReadTexts mesh)
    {
        _store = store;
        _diagnostics = diagnostics;
        _metrics = metrics;
        _log = options.Log;
        _mesh = mesh;
        if (options.Directory is { } directory) _source = new DirectoryConfigSource(directory, options.Time);
    }

    /// <summary>Reads everything once; when it returns, the store has it.</summary>
    public static async Task<ConfigurationDirectory> StartAsync(
        ControlPlaneOptions options, ResourceStore store, SourceDiagnostics diagnostics, ControlPlaneMetrics metrics, CancellationToken cancellation)
    {
        var mesh = options.MeshFile is { } file ? ReadMesh(file, await File.ReadAllTextAsync(file, cancellation)) : new ReadTexts([], []);
        var feed = new ConfigurationDirectory(options, store, diagnostics, metrics, mesh);
        if (feed._source is null)
        {
            feed.Take(ConfigSet.Empty);
            return feed;
        }

        try
        {
            await feed._source.StartAsync(cancellation);
            // Order matters: the first set goes in before the handler is tied, so that two sets never cross.
            feed.Take(feed._source.Current);
            feed._source.Changed += feed.Take;
            return feed;
        }
        catch
        {
            await feed.DisposeAsync();
            throw;
        }
    }

    /// <summary>Istio's mesh file has the settings alone, without the envelope of a resource; appended, it moves no line that a diagnostic may name.</summary>
    private static ReadTexts ReadMesh(string file, string text)
    {
        bool hasEnvelope = text.Split('\n').Any(line => line.StartsWith("kind:", StringComparison.Ordinal));
        string whole = hasEnvelope ? text : $"{text.TrimEnd()}\napiVersion: {ResourceKind.MeshConfig.ApiVersion}\nkind: MeshConfig\n";
        return Texts.Read([new SourceText(file, whole)], null, DateTimeOffset.UnixEpoch);
    }

    private void Take(ConfigSet set)
    {
        var diagnostics = set.Diagnostics.AddRange(_mesh.Diagnostics);
        foreach (var diagnostic in diagnostics.Except(_told))
        {
            _log(diagnostic.ToString());
            if (diagnostic.IsError) _metrics.ChangeRejected();
        }

        _told = diagnostics;
        _diagnostics.Current = diagnostics;
        var resources = set.Resources.Where(resource => _mesh.Resources.All(own => own.Key != resource.Key)).Concat(_mesh.Resources);
        _store.ReplaceSources(_source?.Name ?? "mesh file", resources);
    }

    public async ValueTask DisposeAsync()
    {
        if (_source is not null) await _source.DisposeAsync();
    }
}
