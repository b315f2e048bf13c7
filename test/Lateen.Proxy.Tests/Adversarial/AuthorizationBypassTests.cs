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
public sealed class AuthorizationBypassTests
{
    /// <summary>How many random requests a run without wishes tries; the variable of this name in the environment asks for another number.</summary>
    private const int RandomRequests = 200_000;
    private const string WishedVariable = "LATEEN_AUTHORIZATION_CASES";

    private static readonly RbacRules[] Rules = [.. GuardedPolicies.All.Select(static one => Access.Compile(one.Yaml))];

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
                string expected = GuardedPolicies.MayPass(i, head) ? "allowed" : "denied";
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
        (long refused, long allowed, long denied) = (0, 0, 0);
        Parallel.For(0, 16, part =>
        {
            (long Refused, long Allowed, long Denied) own = Try(seed: part, cases / 16);
            Interlocked.Add(ref refused, own.Refused);
            Interlocked.Add(ref allowed, own.Allowed);
            Interlocked.Add(ref denied, own.Denied);
        });

        TestContext.Current.SendDiagnosticMessage($"{cases} requests: {refused} refused, {allowed} allowed, {denied} denied");
        // The generator must reach all three, or the test says nothing.
        Assert.InRange(refused, cases / 20, cases);
        Assert.InRange(allowed, cases / 20, cases);
        Assert.InRange(denied, cases / 20, cases);
    }

    private static (long Refused, long Allowed, long Denied) Try(int seed, int count)
    {
        var random = new Random(seed);
        Http1RequestParser[] parsers = [.. Enum.GetValues<PathNormalization>().Select(static level => new Http1RequestParser(new Http1RequestOptions { Path = PathPolicy.For(level) }))];
        var head = new HttpRequestHead();
        var paths = new PathReadings();
        byte[] sent = new byte[64 * 1024];
        (long refused, long allowed, long denied) = (0, 0, 0);
        for (int i = 0; i < count; i++)
        {
            string request = HostileRequests.Random(random);
            int level = random.Next(parsers.Length);
            int policy = random.Next(Rules.Length);
            head.Reset();
            if (parsers[level].Parse(head, Encoding.Latin1.GetBytes(request), out _) != ParseStatus.Complete)
            {
                refused++;
                continue;
            }

            head.StripHopByHop();
            paths.Read(head);
            bool isAllowed = Rules[policy].Evaluate(new AuthorizationSubject { Request = head, Paths = paths }).IsAllowed;
            Assert.True(Http1Writer.TryWriteRequest(head, RequestWriteOptions.None, sent, out int written));
            string upstream = Encoding.Latin1.GetString(sent, 0, written);
            if (GuardedPolicies.MayPass(policy, upstream) != isAllowed)
                Assert.Fail($"seed {seed}, number {i}, {(PathNormalization)level}: {GuardedPolicies.All[policy].Yaml}\n{request}\nwas {(isAllowed ? "allowed" : "denied")}, but the server was sent\n{upstream}");
            if (isAllowed) allowed++;
            else denied++;
        }

        return (refused, allowed, denied);
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
