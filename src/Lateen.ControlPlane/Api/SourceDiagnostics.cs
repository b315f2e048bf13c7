using System.Collections.Immutable;
using Lateen.Model;

namespace Lateen.ControlPlane.Api;

/// <summary>What the configuration sources found wrong the last time that they read. One writer (the source's callback), any readers.</summary>
internal sealed class SourceDiagnostics
{
    private ImmutableArray<Diagnostic> _current = [];

    public ImmutableArray<Diagnostic> Current
    {
        get => ImmutableInterlocked.InterlockedCompareExchange(ref _current, [], []);
        set => ImmutableInterlocked.InterlockedExchange(ref _current, value);
    }
}
