using System.Globalization;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Tests.Filters.Rbac;
using Lateen.Proxy.Tests.Harness;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Tests.Adversarial;

/// <summary>
/// A client that tries to pass an access rule by a request that the server behind reads differently. Whatever the client sends: a request is
/// refused, or each rule's verdict is the one that follows from the bytes that the server is sent, in every reading of them.
/// </summary>
[Collection(nameof(RunsAlone))]
public sealed class AuthorizationBypassTests
{
    /// <summary>How many random requests a run without wishes tries: half a minute of one core. The variable of this name in the environment asks for another number.</summary>
    private const int RandomRequests = 10_000_000;
    private const string WishedVariable = "LATEEN_AUTHORIZATION_CASES";

    /// <summary>The engine's own rules, and those that the control plane makes of policies.</summary>
    private static readonly Guard[] Guards =
    [
        .. GuardedPolicies.All.Select(static one => new Guard(one.Yaml, Access.Compile(one.Yaml), one.MayPass, one.Reads)),
        .. GuardedPolicies.Written.Select(static one => new Guard($"{one.Action} {one.Rule}", Translated(one.Action, one.Rule), one.MayPass, one.Reads)),
    ];

    [Theory]
    [InlineData(PathNormalization.None)]
    [InlineData(PathNormalization.Base)]
    [InlineData(PathNormalization.MergeSlashes)]
    [InlineData(PathNormalization.DecodeAndMergeSlashes)]
    public async Task The_verdict_on_a_request_is_the_verdict_on_what_the_server_is_sent(PathNormalization level)
    {
        await using var upstream = TestUpstream.Answering();
        var log = new RecordingLog { Format = Verdicts };
        await using var proxy = RbacFilterTests.Start(
            upstream,
            log,
            null,
            [.. GuardedPolicies.All.Select(static (one, i) => $"{{shadow_rules: {one.Yaml}, shadow_rules_stat_prefix: p{i}_}}")],
            recipe =>
            {
                PathPolicy policy = PathPolicy.For(level);
                recipe.Path = new PathOptions
                {
                    Normalize = policy.Normalize,
                    MergeSlashes = policy.MergeSlashes,
                    EscapedSlashes = policy.EscapedSlashes == EscapedSlashAction.UnescapeAndForward ? EscapedSlashes.UnescapeAndForward : EscapedSlashes.KeepUnchanged,
                };
            });
        var random = new Random(4711 + (int)level);
        int served = 0;
        foreach (string request in HostileRequests.Known().Concat(Enumerable.Range(0, 300).Select(_ => HostileRequests.Random(random))))
        {
            using var client = await RawClient.ConnectAsync(proxy.Address);
            await client.SendAsync(request);
            await client.ReadResponseAsync();
            string verdicts = await log.NextAsync();
            if (!upstream.Heads.TryDequeue(out string? head))
            {
                // Refused by the parser (400 and its kin), or by the router where no route is for it.
                Assert.Matches("^(400|403|404|414|426|431|501|505) ", verdicts);
                continue;
            }

            served++;
            Assert.StartsWith("200 ", verdicts, StringComparison.Ordinal);
            string[] single = verdicts[4..].Split(' ');
            for (int i = 0; i < GuardedPolicies.All.Length; i++)
            {
                string expected = GuardedPolicies.MayPass(GuardedPolicies.All[i].MayPass, GuardedPolicies.All[i].Reads, head) ? "allowed" : "denied";
                Assert.True(single[i] == expected, $"{level}: {GuardedPolicies.All[i].Yaml}\n{request}\nwas {single[i]}, but the server was sent\n{head}");
            }
        }

        Assert.InRange(served, 100, int.MaxValue);
    }

    [Fact]
    public void Random_requests_are_refused_or_judged_as_the_server_reads_them()
    {
#pragma warning disable RS0030 // A test that may be asked for more.
        string? wished = Environment.GetEnvironmentVariable(WishedVariable);
#pragma warning restore RS0030
        int cases = wished is null ? RandomRequests : int.Parse(wished, CultureInfo.InvariantCulture);
        var total = new Tally();
        Parallel.For(0, 16, part =>
        {
            Tally own = Try(seed: part, cases / 16);
            lock (total) total.Add(own);
        });

        TestContext.Current.SendDiagnosticMessage($"{cases} requests: {total}");
        // The generator must reach all of them by both protocols, or the test says nothing.
        foreach (long count in total.Counts) Assert.InRange(count, cases / 50, cases);
    }

    private static Tally Try(int seed, int count)
    {
        var random = new Random(seed);
        var judge = new Judge();
        var tally = new Tally();
        for (int i = 0; i < count; i++)
        {
            int level = random.Next(Judge.Levels);
            Guard guard = Guards[random.Next(Guards.Length)];
            bool isHttp2 = random.Next(3) == 0;
            byte[] request = isHttp2 ? HostileRequests.RandomBlock(random) : Encoding.Latin1.GetBytes(HostileRequests.Random(random));
            bool? isAllowed = isHttp2 ? judge.OfHttp2(request, level, guard.Rules, out string sent) : judge.OfHttp1(request, level, guard.Rules, out sent);
            tally.Count(isHttp2, isAllowed);
            if (isAllowed is { } verdict && GuardedPolicies.MayPass(guard.MayPass, guard.Reads, sent) != verdict)
                Assert.Fail($"seed {seed}, number {i}, {(PathNormalization)level}: {guard.Text}\n{Encoding.Latin1.GetString(request)}\nwas {(verdict ? "allowed" : "denied")}, but the server was sent\n{sent}");
        }

        return tally;
    }

    private static RbacRules Translated(string action, string rule)
    {
        var policies = TranslatedPolicies.Of(
            $"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: guard, namespace: shop}}\nspec:\n  action: {action}\n  rules: [{{{rule}}}]\n");
        Assert.NotNull(policies);
        return Assert.Single(policies.Http).Enforced!;
    }

    /// <summary>A policy, its rules in the proxy, and the plain words of what it means.</summary>
    private sealed record Guard(string Text, RbacRules Rules, Func<Sight, bool> MayPass, char Reads);

    /// <summary>The way of a request through the proxy as far as its head goes: read, judged, written for the server. One thread's.</summary>
    private sealed class Judge
    {
        private static readonly Http1RequestOptions[] Options = [.. Enum.GetValues<PathNormalization>().Select(static level => new Http1RequestOptions { Path = PathPolicy.For(level) })];

        private readonly Http1RequestParser[] _parsers = [.. Options.Select(static options => new Http1RequestParser(options))];
        private readonly Http2RequestReader[] _readers = [.. Options.Select(static options => new Http2RequestReader(options, allowsConnectProtocol: false))];
        private readonly HpackDecoder _decoder = new(0);
        private readonly Http2Counters _counters = new();
        private readonly HttpRequestHead _head = new();
        private readonly PathReadings _paths = new();
        private readonly byte[] _sent = new byte[64 * 1024];

        public static int Levels => Options.Length;

        /// <returns>Null when the request is refused before any rule is asked.</returns>
        public bool? OfHttp1(byte[] request, int level, RbacRules rules, out string sent)
        {
            sent = string.Empty;
            _head.Reset();
            return _parsers[level].Parse(_head, request, out _) == ParseStatus.Complete ? IsAllowed(rules, out sent) : null;
        }

        /// <inheritdoc cref="OfHttp1"/>
        public bool? OfHttp2(byte[] block, int level, RbacRules rules, out string sent)
        {
            sent = string.Empty;
            _head.Reset();
            return _readers[level].Read(_decoder, block, _head, endStream: true, _counters) == HttpRejectionCode.None ? IsAllowed(rules, out sent) : null;
        }

        private bool IsAllowed(RbacRules rules, out string sent)
        {
            _head.StripHopByHop();
            _paths.Read(_head);
            bool isAllowed = rules.Evaluate(new AuthorizationSubject { Request = _head, Paths = _paths }).IsAllowed;
            Assert.True(Http1Writer.TryWriteRequest(_head, RequestWriteOptions.None, _sent, out int written));
            sent = Encoding.Latin1.GetString(_sent, 0, written);
            return isAllowed;
        }
    }

    /// <summary>How many requests of each protocol were refused, allowed and denied.</summary>
    private sealed class Tally
    {
        public long[] Counts { get; } = new long[6];

        public void Count(bool isHttp2, bool? isAllowed) => Counts[(isHttp2 ? 3 : 0) + (isAllowed is null ? 0 : isAllowed.Value ? 1 : 2)]++;

        public void Add(Tally other)
        {
            for (int i = 0; i < Counts.Length; i++) Counts[i] += other.Counts[i];
        }

        public override string ToString() =>
            $"HTTP/1.1 {Counts[0]} refused, {Counts[1]} allowed, {Counts[2]} denied; HTTP/2 {Counts[3]} refused, {Counts[4]} allowed, {Counts[5]} denied";
    }

    private static string Verdicts(HttpExchange exchange)
    {
        IAccessLogRecord record = exchange;
        return $"{exchange.Record.ResponseStatus} " + string.Join(' ', GuardedPolicies.All.Select((_, i) =>
            record.TryGetMetadata(new AccessLogMetadata(AccessLogMetadataSource.Dynamic, RbacFilter.MetadataNamespace, [$"p{i}_shadow_engine_result"]), out ReadOnlySpan<byte> value, out bool _)
                ? Encoding.UTF8.GetString(value)
                : "-"));
    }
}
