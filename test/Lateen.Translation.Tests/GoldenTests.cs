using System.Collections.Immutable;
using System.Globalization;
using Lateen.Model;
using Lateen.Xds;
using Lateen.Xds.Text;
using Lateen.Yaml;

namespace Lateen.Translation.Tests;

/// <summary>
/// Configuration in, xDS out: Golden/NAME.yaml beside Golden/NAME.golden.yaml. <c>LATEEN_UPDATE_GOLDEN=1</c> rewrites the expectations, which
/// are then read in the diff.
/// </summary>
public sealed class GoldenTests
{
    private static readonly string Folder = Path.Combine(SourceFolder(), "Golden");

    public static TheoryData<string> Cases =>
        [.. Directory.EnumerateFiles(Folder, "*.yaml").Select(Path.GetFileName).Where(name => !name!.EndsWith(".golden.yaml", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(name => name![..^".yaml".Length])];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Configuration_translates_as_the_golden_file_says(string name)
    {
        string text = File.ReadAllText(Path.Combine(Folder, $"{name}.yaml"));
        var read = ResourceReader.Read(text, $"{name}.yaml");
        Assert.DoesNotContain(read.Diagnostics, diagnostic => diagnostic.IsError);
        var snapshot = MeshSnapshotBuilder.Build(null, read.Resources, 1);

        string actual = Render(new Translator().Translate(snapshot, Proxy(text)));

        string golden = Path.Combine(Folder, $"{name}.golden.yaml");
#pragma warning disable RS0030 // The switch that rewrites expectations is for whoever runs the tests, so it is read from their shell.
        if (Environment.GetEnvironmentVariable("LATEEN_UPDATE_GOLDEN") == "1") File.WriteAllText(golden, actual);
#pragma warning restore RS0030
        Assert.True(File.Exists(golden), $"{golden} does not exist: run with LATEEN_UPDATE_GOLDEN=1 and read what it wrote");
        Assert.Equal(File.ReadAllText(golden), actual);
    }

    private static ProxyIdentity Proxy(string text)
    {
        string? Say(string key) => text.Split('\n').Where(line => line.StartsWith($"# {key}: ", StringComparison.Ordinal))
            .Select(line => line[(key.Length + 4)..].Trim()).FirstOrDefault();

        string id = Say("proxy")!;
        string[] parts = id.Split('~');
        string[] qualified = parts[2].Split('.');
        return new ProxyIdentity
        {
            Type = parts[0] == "router" ? ProxyType.Router : ProxyType.Sidecar,
            Id = id,
            Ip = parts[1],
            Name = qualified[0],
            Namespace = qualified[1],
            WorkloadName = qualified[0],
            IsGrpc = Say("generator") == "grpc",
            HasIdentity = Say("identity") == "true",
            HttpProxyPort = Say("http-proxy-port") is { } port ? int.Parse(port, CultureInfo.InvariantCulture) : null,
            Labels = (Say("labels")?.Split(',') ?? []).Select(label => label.Split('=')).Select(pair => KeyValuePair.Create(pair[0], pair[1])).ToStringMap(),
        };
    }

    private static string Render(ProxyResources resources)
    {
        var node = new YamlMappingBuilder()
            .Add("clusters", Nodes(XdsTypeUrls.Cluster, resources.Clusters))
            .Add("endpoints", Nodes(XdsTypeUrls.ClusterLoadAssignment, resources.Endpoints))
            .Add("listeners", Nodes(XdsTypeUrls.Listener, resources.Listeners))
            .Add("routes", Nodes(XdsTypeUrls.RouteConfiguration, resources.Routes))
            .Add("secrets", Nodes(XdsTypeUrls.Secret, resources.Secrets))
            .Add("notices", new YamlSequence([.. resources.Notices.Select(YamlScalar.FromString)]));
        return YamlWriter.Write(node.Build());
    }

    private static YamlSequence Nodes(string typeUrl, ImmutableArray<XdsResource> resources) =>
        new([.. resources.Select(resource => ProtoJson.Default.ToNode("google.protobuf.Any", resource.Pack(typeUrl)))]);

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
