using System.Runtime.CompilerServices;
using Lateen.Model.Networking;
using Lateen.Model.Security;

namespace Lateen.Model.Tests;

public sealed class ResourceReaderTests
{
    private const string Service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n";

    [Fact]
    public void What_a_document_does_not_say_comes_from_the_options()
    {
        var created = new DateTimeOffset(2026, 2, 3, 4, 5, 6, TimeSpan.Zero);
        var options = new ResourceReadOptions { DefaultNamespace = "shop", DefaultCreatedAt = created };
        var resource = Assert.Single(ResourceReader.Read(Service, "x.yaml", options).Resources);
        Assert.Equal(new ResourceKey(ResourceKind.Service, "shop", "a"), resource.Key);
        Assert.Equal(created, resource.Metadata.CreatedAt);
        Assert.Equal("default", Assert.Single(ResourceReader.Read(Service, "x.yaml").Resources).Namespace);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1beta1")]
    [InlineData("v1alpha3")]
    public void Every_version_of_istios_networking_group_is_read_alike(string version)
    {
        var text = $"apiVersion: networking.istio.io/{version}\nkind: WorkloadEntry\nmetadata: {{name: a}}\nspec: {{address: 10.0.0.1}}\n";
        var resource = Assert.Single(ResourceReader.Read(text, "x.yaml").Resources);
        Assert.Equal($"networking.istio.io/{version}", resource.ApiVersion);
        Assert.Equal("10.0.0.1", ((Resource<WorkloadEntry>)resource).Spec.Address);
    }

    [Fact]
    public void A_resource_keeps_its_own_text_with_comments_and_without_markers()
    {
        var read = ResourceReader.Read($"# first\n{Service}--- # second\n# about b\n{Service.Replace("name: a", "name: b", StringComparison.Ordinal)}...\n", "x.yaml");
        Assert.Equal(["# first\n" + Service, "# about b\n" + Service.Replace("name: a", "name: b", StringComparison.Ordinal)], read.Resources.Select(resource => resource.Text));
        Assert.Equal([(1, 5), (6, 12)], read.Documents.Select(document => document.Lines));
        Assert.Equal(new SourceLocation("x.yaml", 8, 1), read.Resources.Last().Metadata.Location);
    }

    [Theory]
    [InlineData("# first\n", "", 1)]
    [InlineData("---\n# about it\n", "", 2)]
    [InlineData("", "--- # second\n\n# about it\n", 7)]
    [InlineData("", "---\r\n", 7)]
    public void A_resources_text_read_again_names_the_lines_of_its_file(string before, string between, int textLine)
    {
        const string Policy = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p}\nspec:\n  rules:\n  - {}\n";
        string text = between.Length == 0 ? before + Policy : Service + "\n" + between + Policy;
        var read = (Resource<AuthorizationPolicy>)ResourceReader.Read(text, "x.yaml").Resources.Last();

        var again = (Resource<AuthorizationPolicy>)Assert.Single(ResourceReader.Read(read.Text, "x.yaml", new ResourceReadOptions { FirstLine = read.Metadata.TextLine }).Resources);

        Assert.Equal(textLine, read.Metadata.TextLine);
        Assert.Equal((read.Metadata.Location, read.Metadata.TextLine, read.Spec.Rules[0].Location), (again.Metadata.Location, again.Metadata.TextLine, again.Spec.Rules[0].Location));
        Assert.Equal(text.AsSpan(0, text.IndexOf("- {}", StringComparison.Ordinal)).Count('\n') + 1, again.Spec.Rules[0].Location!.Value.Line);
    }

    [Fact]
    public void An_item_of_a_list_knows_its_line_but_its_text_which_is_not_the_files_does_not()
    {
        var item = Assert.Single(ResourceReader.Read("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}\n", "x.yaml").Resources);
        var again = Assert.Single(ResourceReader.Read(item.Text, "x.yaml", new ResourceReadOptions { FirstLine = item.Metadata.TextLine }).Resources);

        Assert.Equal(("x.yaml:4", 0), (item.Metadata.Location!.Value.FileAndLine, item.Metadata.TextLine));
        Assert.Equal(("x.yaml", 0), (again.Metadata.Location!.Value.FileAndLine, again.Metadata.TextLine));
    }

    [Fact]
    public void Equal_text_has_an_equal_hash_and_other_text_another()
    {
        ulong Hash(string text) => ResourceReader.Read(text, "x.yaml").Resources.Single().ContentHash;
        Assert.Equal(Hash(Service), Hash("---\n" + Service));
        Assert.NotEqual(Hash(Service), Hash(Service.Replace("80", "81", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_mesh_settings_are_read_from_istios_config_map()
    {
        const string Text = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: istio-canary, namespace: istio-system}
            data:
              mesh: |-
                rootNamespace: mesh-root
                outboundTrafficPolicy: {mode: REGISTRY_ONLY}
                proxyHttpPort: 15002
                connectTimeout: 1500ms
                pathNormalization: {normalization: DECODE_AND_MERGE_SLASHES}
            """;
        var resource = Assert.IsType<Resource<MeshConfig>>(Assert.Single(ResourceReader.Read(Text, "x.yaml").Resources));
        Assert.Equal(ResourceKey.Mesh, resource.Key);
        Assert.Equal("mesh-root", resource.Spec.RootNamespace);
        Assert.Equal(OutboundTrafficMode.RegistryOnly, resource.Spec.OutboundTrafficPolicy);
        Assert.Equal(15002, resource.Spec.ProxyHttpPort);
        Assert.Equal(TimeSpan.FromSeconds(1.5), resource.Spec.ConnectTimeout);
        Assert.Equal(PathNormalization.DecodeAndMergeSlashes, resource.Spec.PathNormalization);
        Assert.Equal("cluster.local", resource.Spec.TrustDomain);
    }

    [Fact]
    public void A_direct_response_over_one_mebibyte_is_refused()
    {
        var text = Given.Document("VirtualService", "v", $"hosts: [a]\nhttp: [{{directResponse: {{status: 200, body: {{string: {new string('x', (1024 * 1024) + 1)}}}}}}}]");
        var found = Assert.Single(ResourceReader.Read(text, "x.yaml").Diagnostics);
        Assert.Equal("LAT0315", found.Code);
    }

    [Theory]
    [InlineData("1s", 1000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1.5s", 1500)]
    [InlineData("250ms", 250)]
    [InlineData("1h", 3_600_000)]
    [InlineData("0.001s", 1)]
    [InlineData("0s", 0)]
    [InlineData("0", 0)]
    [InlineData("1500us", null)]
    [InlineData("-1s", null)]
    [InlineData("1", null)]
    [InlineData("s", null)]
    [InlineData("1x", null)]
    [InlineData("1s2", null)]
    [InlineData("1..5s", null)]
    [InlineData("9999999999999h", null)]
    public void A_duration_is_a_sequence_of_numbers_with_units_in_whole_milliseconds(string written, int? milliseconds)
    {
        var text = Given.Document("VirtualService", "v", $"hosts: [a]\nhttp: [{{timeout: {written}, route: [{{destination: {{host: a}}}}]}}]");
        var read = ResourceReader.Read(text, "x.yaml");
        Assert.Equal(milliseconds is null ? ["LAT0205"] : [], read.Diagnostics.Select(found => found.Code));
        if (milliseconds is { } expected)
            Assert.Equal(TimeSpan.FromMilliseconds(expected), ((Resource<VirtualService>)read.Resources.Single()).Spec.Http[0].Timeout);
    }

    [Fact]
    public void Every_sample_is_read_without_a_diagnostic_that_matters()
    {
        var samples = Path.GetFullPath(Path.Combine(SourceDirectory(), "../../samples"));
        var files = Directory.EnumerateFiles(samples, "*.yaml", SearchOption.AllDirectories)
            .Where(file => File.ReadAllText(file).Contains("\nkind: ", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(files);
        var found = files.SelectMany(file => ResourceReader.Read(File.ReadAllText(file), Path.GetFileName(file)).Diagnostics.Select(one => (Path.GetFileName(file), one.Code)));
        // What it says of the rule for /admin is so, and of no consequence: the storefront has no port but that of HTTP.
        Assert.Equal([("jwt-for-admin.yaml", "LAT1008")], found);
    }

    private static string SourceDirectory([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
