using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Io.Istio.Http.PeerMetadata;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>Makes Istio's two telemetry filters for this process' own workload. One per process, used by the configuration thread.
/// </summary>
public sealed class IstioFilters
{
    private readonly MeshWorkload _own;
    private readonly byte[] _ownMetadata;
    private readonly byte[] _ownId;
    private readonly PeerCache[] _caches;
    private readonly SeriesFamily<IstioSeries> _family;
    private readonly SeriesFamily<IstioMessageSeries> _messages;
    private readonly SeriesFamily<IstioTcpSeries> _tcpFamily;

    /// <param name="registry">Where the metrics are counted.</param>
    /// <param name="nodeId">The bootstrap's <c>node.id</c>; it is what the peer sees as our id.</param>
    /// <param name="nodeMetadata">The bootstrap's <c>node.metadata</c>; may be null.</param>
    /// <param name="reactorCount">How many reactors run the filters.</param>
    public IstioFilters(StatsRegistry registry, string nodeId, Struct? nodeMetadata, int reactorCount)
    {
        _own = MeshWorkload.Read(nodeMetadata ?? new Struct());
        _ownMetadata = PeerHeader.Encode(_own);
        _ownId = Encoding.UTF8.GetBytes(nodeId);
        _caches = new PeerCache[reactorCount];
        for (var i = 0; i < reactorCount; i++) _caches[i] = new PeerCache();
        _family = new SeriesFamily<IstioSeries>(registry, IstioSeries.Schema);
        _messages = new SeriesFamily<IstioMessageSeries>(registry, IstioMessageSeries.Schema);
        _tcpFamily = new SeriesFamily<IstioTcpSeries>(registry, IstioTcpSeries.Schema);
        NetworkCompilers = [new Compiler<Stats.PluginConfig>("stats.PluginConfig", Stats.PluginConfig.Parser, CreateTcpStats)];
        Compilers =
        [
            new Compiler<Stats.PluginConfig>("stats.PluginConfig", Stats.PluginConfig.Parser, CreateStats),
            new Compiler<Config>("io.istio.http.peer_metadata.Config", Config.Parser, CreatePeerMetadata),
        ];
    }

    /// <summary>Both, for the catalog of extensions.</summary>
    public IReadOnlyList<IExtensionCompiler> Compilers { get; }

    /// <summary>The one that is a network filter as well, for the catalog of extensions.</summary>
    public IReadOnlyList<IExtensionCompiler> NetworkCompilers { get; }

    /// <summary><c>istio.stats</c>, <see cref="IstioStatsFilter.ConfigType"/>.</summary>
    public HttpFilter CreateStats(string name, Stats.PluginConfig config) => new IstioStatsFilter(name, config, _own, _family, _messages, _caches.Length);

    /// <summary><c>istio.stats</c> before a TCP proxy.</summary>
    public CompiledExtension CreateTcpStats(string name, Stats.PluginConfig config) => new IstioTcpStatsFilter(name, _own, _tcpFamily, _caches.Length);

    /// <summary><c>istio.metadata_exchange</c>, <see cref="PeerMetadataFilter.ConfigType"/>.</summary>
    public HttpFilter CreatePeerMetadata(string name, Config config) => new PeerMetadataFilter(name, config, _ownMetadata, _ownId, _caches);

    private sealed class Compiler<TConfig>(string messageName, MessageParser<TConfig> parser, Func<string, TConfig, CompiledExtension> create) : IExtensionCompiler
        where TConfig : class, IMessage<TConfig>, new()
    {
        public string MessageName => messageName;

        public CompiledExtension? Compile(string name, Any configuration, FieldPath path, ConfigurationErrors errors)
        {
            try
            {
                return create(name, parser.ParseFrom(configuration.Value));
            }
            catch (InvalidProtocolBufferException failure)
            {
                errors.Add(path, $"the bytes are no {MessageName}: {failure.Message}");
                return null;
            }
        }
    }
}
