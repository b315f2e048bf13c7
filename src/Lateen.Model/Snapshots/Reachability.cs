using Lateen.Model.Networking;

namespace Lateen.Model;

/// <summary>What a snapshot says of how services are reached. Equal ones hold the same objects, so nothing about it changed between their snapshots.</summary>
public sealed class Reachability : IEquatable<Reachability>
{
    private readonly MeshConfig _mesh;
    private readonly ServiceIndex _services;
    private readonly DestinationRuleIndex _rules;
    private readonly object _endpoints;

    internal Reachability(MeshConfig mesh, ServiceIndex services, DestinationRuleIndex rules, object endpoints)
    {
        _mesh = mesh;
        _services = services;
        _rules = rules;
        _endpoints = endpoints;
    }

    public bool Equals(Reachability? other) =>
        other is not null && ReferenceEquals(_mesh, other._mesh) && ReferenceEquals(_services, other._services)
        && ReferenceEquals(_rules, other._rules) && ReferenceEquals(_endpoints, other._endpoints);

    public override bool Equals(object? obj) => Equals(obj as Reachability);

    public override int GetHashCode() => HashCode.Combine(_services, _rules, _endpoints);
}
