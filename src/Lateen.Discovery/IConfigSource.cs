using System.Collections.Immutable;
using Lateen.Model;

namespace Lateen.Discovery;

/// <summary>What a source holds at one moment: every resource that it stands for, and everything that is wrong with the rest.</summary>
/// <param name="Resources">In order of <see cref="ResourceKey"/>, each key once. A resource that did not change is the same object as in
/// the set before.</param>
/// <param name="Diagnostics">In order of place. An error means that a resource was refused and its last good version, if there is one, is
/// among <paramref name="Resources"/>.</param>
public sealed record ConfigSet(ImmutableArray<Resource> Resources, ImmutableArray<Diagnostic> Diagnostics)
{
    public static readonly ConfigSet Empty = new([], []);
}

/// <summary>
/// Where resources come from: a directory now, Kubernetes, Consul or etcd by the same face. A source reads everything before
/// <see cref="StartAsync"/> returns and from then on tells what changed, as whole sets, one at a time, newest last.
/// </summary>
/// <remarks>A source never throws for what its content is: that is in the diagnostics. Sets may be read from any thread.</remarks>
public interface IConfigSource : IAsyncDisposable
{
    /// <summary>For messages: <c>directory /etc/mesh</c>.</summary>
    string Name { get; }

    /// <summary>The newest set; empty before the start.</summary>
    ConfigSet Current { get; }

    /// <summary>Raised after <see cref="Current"/> changed, on the task that did the reading, never twice at a time. A handler that throws
    /// ends the source; <see cref="Completion"/> then has the exception.</summary>
    event Action<ConfigSet>? Changed;

    /// <summary>Ends when the source is disposed; faults when it can go on no longer.</summary>
    Task Completion { get; }

    /// <summary>Reads everything once and begins to watch.</summary>
    Task StartAsync(CancellationToken cancellationToken);
}
