namespace Lateen.Proxy.Tls;

/// <summary>What became of an attempt to take a version of a secret.</summary>
public enum SecretOutcome
{
    /// <summary>The control plane sent it, and it is in use.</summary>
    Taken,

    /// <summary>The control plane sent it, and it cannot be used.</summary>
    Refused,

    /// <summary>It did not come in time; who waited for it goes on without.</summary>
    TimedOut,

    /// <summary>Its files changed and are in use.</summary>
    Rotated,

    /// <summary>Its files changed and cannot be used.</summary>
    RotationFailed,
}

/// <summary>Something happened to a secret that has a name.</summary>
/// <param name="Name">The secret.</param>
/// <param name="Outcome">What became of it.</param>
public readonly record struct SecretEvent(string Name, SecretOutcome Outcome);
