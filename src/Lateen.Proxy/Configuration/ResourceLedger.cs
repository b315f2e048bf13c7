using System.Collections.Immutable;

namespace Lateen.Proxy.Configuration;

/// <summary>Remembers, for status pages, which version of each resource of one type was taken, runs, or was refused.</summary>
/// <remarks>Configuration thread only.</remarks>
internal sealed class ResourceLedger(TimeProvider time, string typeUrl)
{
    private readonly SortedDictionary<string, ConfigDumpEntry> _entries = new(StringComparer.Ordinal);

    /// <summary>The control plane's version of the whole type.</summary>
    public string Version { get; set; } = string.Empty;

    public ImmutableArray<ConfigDumpEntry> Entries => [.. _entries.Values];

    /// <summary>A version was accepted; it waits until <see cref="Activated"/>.</summary>
    public void Accepted(string name, string version, Google.Protobuf.ByteString body, bool isStatic = false)
    {
        var warming = new ConfigDumpVersion(version, time.GetUtcNow(), typeUrl, body);
        _entries[name] = Of(name) with { IsStatic = isStatic, Warming = warming, Error = null };
    }

    /// <summary>What waited runs.</summary>
    public void Activated(string name)
    {
        var entry = Of(name);
        if (entry.Warming is not null) _entries[name] = entry with { Active = entry.Warming, Warming = null };
    }

    public void Refused(string name, string version, Google.Protobuf.ByteString body, string reason) =>
        _entries[name] = Of(name) with { Error = new ConfigDumpError(version, time.GetUtcNow(), reason, body) };

    public void Removed(string name) => _entries.Remove(name);

    private ConfigDumpEntry Of(string name) => _entries.TryGetValue(name, out var entry) ? entry : new ConfigDumpEntry(name, false, null, null, null);
}
