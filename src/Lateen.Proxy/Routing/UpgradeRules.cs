using System.Collections.Immutable;
using System.Text;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Routing;

/// <summary>Which protocols a request may switch to, and which it may not: <c>upgrade_configs</c> of a connection manager or a route.</summary>
/// <remarks>Immutable.</remarks>
public sealed class UpgradeRules
{
    public static readonly UpgradeRules None = new([], null);

    /// <summary>The type that stands for the method and not for a protocol: nobody gets past it by an Upgrade of that name.</summary>
    private const string ConnectType = "CONNECT";

    private readonly ImmutableArray<(byte[] Type, bool IsEnabled)> _rules;

    private UpgradeRules(ImmutableArray<(byte[] Type, bool IsEnabled)> rules, bool? connect)
    {
        _rules = rules;
        Connect = connect;
    }

    /// <summary>What is said of the method CONNECT; null: nothing.</summary>
    public bool? Connect { get; }

    /// <summary>Rules that allow these protocols, or the method CONNECT.</summary>
    public static UpgradeRules Allowing(params string[] types) =>
        new([.. types.Where(static type => !IsConnect(type)).Select(static type => (Encoding.ASCII.GetBytes(type), true))], types.Any(IsConnect) ? true : null);

    /// <summary>What is said of a protocol; null: nothing.</summary>
    /// <param name="type">The value of Upgrade, compared without regard to ASCII case.</param>
    public bool? Find(ReadOnlySpan<byte> type)
    {
        foreach ((byte[] known, bool isEnabled) in _rules)
        {
            if (System.Text.Ascii.EqualsIgnoreCase(known, type)) return isEnabled;
        }

        return null;
    }

    internal static bool IsConnect(string type) => type.Equals(ConnectType, StringComparison.OrdinalIgnoreCase);

    internal static UpgradeRules Compile(IReadOnlyList<(string Type, bool? Enabled)> configs, FieldPath path, ConfigurationErrors errors)
    {
        if (configs.Count == 0) return None;
        var rules = ImmutableArray.CreateBuilder<(byte[] Type, bool IsEnabled)>(configs.Count);
        bool? connect = null;
        for (var i = 0; i < configs.Count; i++)
        {
            var (type, enabled) = configs[i];
            var typePath = path.At(i).Field("upgrade_type");
            if (type.Length == 0 || !Ascii.IsValid(type)) errors.Add(typePath, "is required");
            else if (configs.Take(i).Any(one => one.Type.Equals(type, StringComparison.OrdinalIgnoreCase)))
                errors.Add(typePath, $"'{type}' is there twice");
            else if (IsConnect(type)) connect = enabled ?? true;
            else rules.Add((Encoding.ASCII.GetBytes(type), enabled ?? true));
        }

        return new UpgradeRules(rules.DrainToImmutable(), connect);
    }
}
