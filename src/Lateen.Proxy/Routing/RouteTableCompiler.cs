using System.Collections.Immutable;
using Google.Protobuf;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Xds.Wire;
using Proto = Envoy.Config.Route.V3;

namespace Lateen.Proxy.Routing;

/// <summary>
/// Compiles a <c>RouteConfiguration</c> into a <see cref="RouteTable"/>. It works on the wire bytes: the virtual hosts are cut out without
/// being parsed, and one whose bytes and table-wide settings are those of the previous table is taken over as it is. So one change among
/// thousands of virtual hosts costs a comparison of bytes and one compilation, and a new index of domains if any of those changed.
/// </summary>
/// <remarks>Configuration thread only.</remarks>
public sealed class RouteTableCompiler(ClusterDirectory clusters, ExtensionCatalog? extensions = null)
{
    /// <summary>Where references to clusters come from; one for all that is compiled together.</summary>
    internal ClusterDirectory Clusters => clusters;

    /// <summary>Compiles a message.</summary>
    public RouteTable? Compile(Proto.RouteConfiguration configuration, RouteTable? previous, FieldPath path, ConfigurationErrors errors) =>
        Compile(configuration.ToByteString(), previous, path, errors);

    /// <summary>
    /// Compiles the wire bytes of a message.
    /// </summary>
    /// <remarks>
    /// <paramref name="previous"/>: The table of the same name that is in use, or null. It must have been compiled with the same <see
    /// cref="ClusterDirectory"/>.
    /// </remarks>
    /// <returns>The table, or null when <paramref name="errors"/> got something to say.</returns>
    public RouteTable? Compile(ByteString wire, RouteTable? previous, FieldPath path, ConfigurationErrors errors)
    {
        var errorsBefore = errors.Count;
        if (!TryCut(wire, path, errors, out var frame, out var source)) return null;

        var level = TableLevel.Compile(frame, extensions, path, errors);
        var reusable = previous is not null && previous.Level.Equals(level) ? previous : null;
        var hosts = ImmutableArray.CreateBuilder<VirtualHostEntry>(source.Pieces.Length);
        var search = (reusable?.Source ?? VirtualHostBytes.None).Begin();
        for (var i = 0; i < source.Pieces.Length; i++)
        {
            var same = search.Find(source.Pieces[i].Span);
            var host = same >= 0 ? reusable!.VirtualHosts[same] : CompileHost(source.Pieces[i], level, path.Field("virtual_hosts").At(i), errors);
            if (host is not null) hosts.Add(host);
        }

        if (errors.Count > errorsBefore) return null;

        var index = previous is not null && HaveSameDomains(hosts, previous.VirtualHosts)
            ? previous.Domains
            : IndexDomains(hosts, path.Field("virtual_hosts"), errors);
        return errors.Count > errorsBefore ? null : new RouteTable(frame.Name, hosts.ToImmutable(), index, level) { Source = source };
    }

    private VirtualHostEntry? CompileHost(ReadOnlyMemory<byte> wire, TableLevel level, FieldPath path, ConfigurationErrors errors)
    {
        try
        {
            var host = Proto.VirtualHost.Parser.ParseFrom(wire.Span);
            return new VirtualHostCompiler(clusters, extensions, level, errors).Compile(host, path);
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(path, $"is not a valid message: {fault.Message}");
            return null;
        }
    }

    // Names too: one that is there twice is found when the index is built.
    private static bool HaveSameDomains(ImmutableArray<VirtualHostEntry>.Builder hosts, ImmutableArray<VirtualHostEntry> before)
    {
        if (hosts.Count != before.Length) return false;
        for (var i = 0; i < before.Length; i++)
        {
            if (ReferenceEquals(hosts[i], before[i])) continue;
            if (hosts[i].Name != before[i].Name || !hosts[i].Domains.AsSpan().SequenceEqual(before[i].Domains.AsSpan())) return false;
        }

        return true;
    }

    private static DomainIndex IndexDomains(ImmutableArray<VirtualHostEntry>.Builder hosts, FieldPath path, ConfigurationErrors errors)
    {
        var domainCount = 0;
        foreach (var host in hosts) domainCount += host.DomainNames.Length;
        var index = new DomainIndex(domainCount);
        var names = new HashSet<string>(hosts.Count, StringComparer.Ordinal);
        for (var i = 0; i < hosts.Count; i++)
        {
            var host = hosts[i];
            if (!names.Add(host.Name)) errors.Add(path.At(i).Field("name"), $"there is another virtual host '{host.Name}'");
            for (var d = 0; d < host.DomainNames.Length; d++)
            {
                if (index.TryAdd(host.DomainNames[d], i)) continue;
                var domain = host.DomainNames[d].Text;
                errors.Add(path.At(i).Field("domains").At(d), $"the domain '{domain}' is there already; a domain belongs to one virtual host");
            }
        }

        return index;
    }

    // All fields but the virtual hosts are parsed at once; those stay in pieces.
    private static bool TryCut(
        ByteString wire, FieldPath path, ConfigurationErrors errors, out Proto.RouteConfiguration frame, out VirtualHostBytes source)
    {
        frame = new Proto.RouteConfiguration();
        source = VirtualHostBytes.None;
        var pieces = new List<ReadOnlyMemory<byte>>();
        var rest = new MemoryStream();
        if (!WireFields.TryCut(wire.Memory, Proto.RouteConfiguration.VirtualHostsFieldNumber, pieces, rest))
        {
            errors.Add(path, "is not a valid message");
            return false;
        }

        try
        {
            frame.MergeFrom(rest.ToArray());
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(path, $"is not a valid message: {fault.Message}");
            return false;
        }

        source = new VirtualHostBytes([.. pieces]);
        return true;
    }
}
