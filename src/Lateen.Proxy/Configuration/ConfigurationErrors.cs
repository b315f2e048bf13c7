namespace Lateen.Proxy.Configuration;

/// <summary>One thing that is wrong with a configuration.</summary>
/// <param name="Path">The field, such as <c>static_resources.clusters[0].lb_policy</c>; empty for the whole.</param>
/// <param name="Reason">What is wrong with it and, where it helps, what would be right.</param>
public sealed record ConfigurationError(string Path, string Reason)
{
    public override string ToString() => Path.Length == 0 ? Reason : $"{Path}: {Reason}";
}

/// <summary>
/// Everything that is wrong with a configuration: compiling goes on after an error, so that one run reports them all. Beside errors, which refuse it, stand
/// warnings: of a part that was passed over, without which the rest is good.
/// </summary>
/// <remarks>Owned by one compilation. Bounded: a file that is wrong everywhere need not be listed everywhere.</remarks>
public sealed class ConfigurationErrors
{
    /// <summary>Errors kept. Count. Hit: one last line says that there are more.</summary>
    public const int MaxErrors = 100;

    /// <summary>Warnings kept. Count. Hit: those beyond are dropped.</summary>
    public const int MaxWarnings = 20;

    private readonly List<ConfigurationError> _errors = [];
    private readonly List<ConfigurationError> _warnings = [];

    public bool Any => _errors.Count > 0;

    public int Count => _errors.Count;

    public IReadOnlyList<ConfigurationError> All => _errors;

    /// <summary>What was passed over.</summary>
    public IReadOnlyList<ConfigurationError> Warnings => _warnings;

    public void Add(FieldPath path, string reason) => Add(path.ToString(), reason);

    public void Add(string path, string reason)
    {
        if (_errors.Count < MaxErrors) _errors.Add(new ConfigurationError(path, reason));
        else if (_errors.Count == MaxErrors) _errors.Add(new ConfigurationError(string.Empty, $"there are more errors than the {MaxErrors} listed"));
    }

    /// <summary>Says that a part is passed over; the configuration is good without it.</summary>
    public void Warn(FieldPath path, string reason)
    {
        if (_warnings.Count < MaxWarnings) _warnings.Add(new ConfigurationError(path.ToString(), reason));
    }

    /// <summary>All errors, one per line.</summary>
    public override string ToString() => string.Join('\n', _errors);
}
