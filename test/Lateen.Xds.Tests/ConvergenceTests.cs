using CsCheck;
using Google.Protobuf;
using Lateen.Xds.Client;
using Lateen.Xds.Server;
using static Lateen.Xds.Tests.XdsSamples;

namespace Lateen.Xds.Tests;

/// <summary>
/// Client and server sessions joined back to back, with random views, delays, refusals and lost streams. Whatever happens, once it is
/// quiet the proxy holds what the server wants it to hold; and while no resource is refused, no route ever points at a cluster, or at
/// endpoints, that the proxy does not have.
/// </summary>
public sealed class ConvergenceTests
{
    private enum Step
    {
        NewView,
        DeliverRequest,
        DeliverResponse,
        Answer,
        Lose,
    }

    private static readonly Gen<Step> Steps = Gen.Frequency(
        (2, Gen.Const(Step.NewView)),
        (6, Gen.Const(Step.DeliverRequest)),
        (6, Gen.Const(Step.DeliverResponse)),
        (6, Gen.Const(Step.Answer)),
        (1, Gen.Const(Step.Lose)));

    private static readonly Gen<Step> UnbrokenSteps = Steps.Where(static step => step != Step.Lose);

    private static readonly Gen<(Step[] Steps, int[] Shapes)> Runs = RunsOf(Steps);

    private static readonly Gen<(Step[] Steps, int[] Shapes)> UnbrokenRuns = RunsOf(UnbrokenSteps);

    private static Gen<(Step[] Steps, int[] Shapes)> RunsOf(Gen<Step> steps) => Gen.Select(steps.Array[1, 120], Gen.Int[0, 255].Array[150]);

    [Fact]
    public void Delta_always_converges_and_never_routes_to_what_is_not_there() =>
        Runs.Sample(static run => Play(new DeltaLink(), run.Steps, run.Shapes, refuses: false), iter: 3000);

    [Fact]
    public void State_of_the_world_always_converges_and_never_routes_to_what_is_not_there() =>
        UnbrokenRuns.Sample(static run => Play(new SotwLink(), run.Steps, run.Shapes, refuses: false), iter: 3000);

    /// <summary>
    /// State of the world cannot say what the proxy holds when it comes back, so a server that remembers nothing takes clusters away
    /// with its first set: only the end is promised here.
    /// </summary>
    [Fact]
    public void State_of_the_world_converges_over_lost_streams() =>
        Runs.Sample(static run => Play(new SotwLink(), run.Steps, run.Shapes, refuses: false, mayBreak: true), iter: 3000);

    [Fact]
    public void Delta_converges_on_what_is_not_refused() =>
        Runs.Sample(static run => Play(new DeltaLink(), run.Steps, run.Shapes, refuses: true), iter: 3000);

    [Fact]
    public void State_of_the_world_converges_on_what_is_not_refused() =>
        Runs.Sample(static run => Play(new SotwLink(), run.Steps, run.Shapes, refuses: true), iter: 3000);

    private static void Play<TRequest, TResponse>(Link<TRequest, TResponse> link, Step[] steps, int[] shapes, bool refuses, bool mayBreak = false)
        where TRequest : class, IMessage
        where TResponse : class, IMessage
    {
        if (refuses)
        {
            link.Proxy.Judge = static (_, resource) => ContentVersion.Of(resource.Body.Span)[0] is '0' or '1' or '2' or '3' ? "does not please" : null;
        }

        int shape = 0;
        long revision = 0;
        link.Connect(Shape(++revision, shapes[shape++]));
        foreach (Step step in steps)
        {
            switch (step)
            {
                case Step.NewView when shape < shapes.Length:
                    link.SetView(Shape(++revision, shapes[shape++]));
                    break;
                case Step.DeliverRequest:
                    link.DeliverRequest();
                    break;
                case Step.DeliverResponse:
                    link.DeliverResponse();
                    break;
                case Step.Answer:
                    link.Answer();
                    break;
                case Step.Lose:
                    link.Lose();
                    break;
            }
        }

        link.Quiesce();
        link.AssertConverged(refuses);
        if (!refuses)
        {
            Assert.True(mayBreak || link.Proxy.Outages.Count == 0, string.Join("; ", link.Proxy.Outages));
            Assert.Equal(revision, link.Status.ServedRevision);
        }
    }

    /// <summary>
    /// A small shop drawn from eight bits: which of three clusters exist, what their endpoints hold, which of two routes each of two
    /// listeners uses. Routes name only clusters that exist, as a translation would.
    /// </summary>
    private static ResourceView Shape(long revision, int bits)
    {
        string[] names = [.. new[] { "a", "b", "c" }.Where((_, i) => (bits & (1 << i)) != 0)];
        var resources = new List<(string, XdsResource)>();
        foreach (string name in names)
        {
            resources.Add((XdsTypeUrls.Cluster, Cluster(name, bits >> 6)));
            resources.Add((XdsTypeUrls.ClusterLoadAssignment, Endpoints(name, bits >> 5)));
        }

        if ((bits & 8) != 0)
        {
            resources.Add((XdsTypeUrls.Listener, Listener("l1", "r1", bits >> 7)));
            resources.Add((XdsTypeUrls.RouteConfiguration, Routes("r1", names)));
        }

        if ((bits & 16) != 0)
        {
            resources.Add((XdsTypeUrls.Listener, Listener("l2", "r2")));
            resources.Add((XdsTypeUrls.RouteConfiguration, Routes("r2", [.. names.Take(1)])));
        }

        return View(revision, [.. resources]);
    }

    /// <summary>Two sessions and the messages between them, each delivered when the test says so.</summary>
    private abstract class Link<TRequest, TResponse>
        where TRequest : class, IMessage
        where TResponse : class, IMessage
    {
        private readonly ClientSession<TRequest, TResponse> _client;
        private readonly Queue<TRequest> _requests = new();
        private readonly Queue<TResponse> _responses = new();
        private ServerSession<TRequest, TResponse> _server;
        private ResourceView _view = ResourceView.Empty;
        private XdsUpdate? _inHand;

        protected Link(ClientSession<TRequest, TResponse> client, ServerSession<TRequest, TResponse> server)
        {
            _client = client;
            _server = server;
            Proxy = new SimulatedProxy(client.Subscribe, client.Unsubscribe);
        }

        public SimulatedProxy Proxy { get; }

        public XdsStreamStatus Status => _server.Status;

        public void Connect(ResourceView view)
        {
            _view = view;
            _server.SetView(view);
            _client.SubscribeAll(XdsTypeUrls.Cluster);
            _client.SubscribeAll(XdsTypeUrls.Listener);
            _client.OnConnected();
            TakeRequests();
        }

        public void SetView(ResourceView view)
        {
            _view = view;
            _server.SetView(view);
            TakeResponses();
        }

        public bool DeliverRequest()
        {
            if (!_requests.TryDequeue(out TRequest? request))
            {
                return false;
            }

            Assert.Null(_server.Receive(request));
            TakeResponses();
            return true;
        }

        public bool DeliverResponse()
        {
            if (_inHand is not null || !_responses.TryDequeue(out TResponse? response))
            {
                return false;
            }

            _inHand = _client.Receive(response);
            return true;
        }

        public bool Answer()
        {
            if (_inHand is null)
            {
                return false;
            }

            _client.Answer(_inHand is { IsEmpty: true, IsFirst: false } ? null : Proxy.Apply(_inHand));
            _inHand = null;
            TakeRequests();
            return true;
        }

        /// <summary>The stream breaks with everything under way on it, and a new one is opened to a server that remembers nothing.</summary>
        public void Lose()
        {
            _requests.Clear();
            _responses.Clear();
            _client.OnDisconnected();
            Answer();
            _server = NewServer();
            _server.SetView(_view);
            _client.OnConnected();
            TakeRequests();
        }

        public void Quiesce()
        {
            int turns = 0;
            while (DeliverRequest() | DeliverResponse() | Answer())
            {
                Assert.True(++turns < 10_000, "the two sides go on talking for ever");
            }
        }

        public void AssertConverged(bool refuses)
        {
            foreach (string typeUrl in XdsTypeUrls.InOrder)
            {
                Dictionary<string, XdsResource> held = Proxy.Held[typeUrl];
                foreach (XdsResource wanted in _view.ResourcesOf(typeUrl).Values.Where(resource => IsReachable(typeUrl, resource)))
                {
                    if (!refuses || Proxy.Judge(typeUrl, wanted) is null)
                    {
                        Assert.True(held.TryGetValue(wanted.Name, out XdsResource? actual), $"{XdsTypeUrls.ShortName(typeUrl)} {wanted.Name} is missing");
                        Assert.Equal(wanted.Body, actual.Body);
                    }
                }

                if (!refuses)
                {
                    Assert.Equal(_view.ResourcesOf(typeUrl).Keys.Order(), held.Keys.Order());
                }
            }
        }

        protected abstract ServerSession<TRequest, TResponse> NewServer();

        /// <summary>A proxy that refused a cluster does not ask for its endpoints, nor for routes of a listener that it refused.</summary>
        private bool IsReachable(string typeUrl, XdsResource resource) => typeUrl switch
        {
            XdsTypeUrls.ClusterLoadAssignment => Proxy.Held[XdsTypeUrls.Cluster].ContainsKey(resource.Name),
            XdsTypeUrls.RouteConfiguration => Proxy.Held[XdsTypeUrls.Listener].Values.Any(listener => RouteNameOf(listener) == resource.Name),
            _ => true,
        };

        private void TakeRequests()
        {
            while (_client.TryTakeRequest(out TRequest? request))
            {
                _requests.Enqueue(request);
            }
        }

        private void TakeResponses()
        {
            while (_server.TryTakeResponse(out TResponse? response))
            {
                _responses.Enqueue(response);
            }
        }
    }

    private sealed class DeltaLink() : Link<Envoy.Service.Discovery.V3.DeltaDiscoveryRequest, Envoy.Service.Discovery.V3.DeltaDiscoveryResponse>(
        new DeltaClientSession(Node), new DeltaServerSession())
    {
        protected override ServerSession<Envoy.Service.Discovery.V3.DeltaDiscoveryRequest, Envoy.Service.Discovery.V3.DeltaDiscoveryResponse> NewServer() => new DeltaServerSession();
    }

    private sealed class SotwLink() : Link<Envoy.Service.Discovery.V3.DiscoveryRequest, Envoy.Service.Discovery.V3.DiscoveryResponse>(
        new SotwClientSession(Node), new SotwServerSession())
    {
        protected override ServerSession<Envoy.Service.Discovery.V3.DiscoveryRequest, Envoy.Service.Discovery.V3.DiscoveryResponse> NewServer() => new SotwServerSession();
    }
}
