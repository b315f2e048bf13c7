using System.Collections.Immutable;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tls;

/// <summary>A TLS context that is made from secrets, and made anew whenever one of them is replaced.</summary>
/// <remarks>Configuration thread only.</remarks>
internal interface ISecretUser
{
    /// <summary>What it is made from.</summary>
    ImmutableArray<SecretSource> Sources { get; }

    /// <summary>What it was made from last, in the order of <see cref="Sources"/>; null: nothing has come yet.</summary>
    SecretContent?[] Contents { get; }

    /// <summary>Makes a context, and does not use it yet.</summary>
    /// <param name="contents">One per source.</param>
    /// <param name="errors">Gets what is wrong with them.</param>
    /// <returns>Puts the new context in the place of the old one, for connections from now on; null when there is an error.</returns>
    Action? Prepare(ReadOnlySpan<SecretContent> contents, ConfigurationErrors errors);
}
