namespace Lateen.Proxy.Tests.Harness;

/// <summary>Tests that take all processors for half a minute, and tests whose certificates live for seconds: not beside each other, and not beside any others.</summary>
[CollectionDefinition(nameof(RunsAlone), DisableParallelization = true)]
public sealed class RunsAlone;
