using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>The load that other tests trust to see what fails: it sees it.</summary>
public sealed class SteadyLoadTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData("404 Not Found")]
    [InlineData("403 Forbidden")]
    [InlineData("301 Moved Permanently")]
    [InlineData("503 Service Unavailable")]
    public async Task An_answer_of_any_status_but_200_has_failed(string status)
    {
        using var server = new CannedServer($"HTTP/1.1 {status}\r\ncontent-length: 4\r\n\r\nbody");
        var seen = await LoadAsync(server);

        Assert.Equal((0, seen.Sent), (seen.Answered, seen.Failed));
        Assert.Equal($"status {status[..3]}: body", Assert.Single(seen.Failures).Key);
        Assert.Empty(seen.Bodies);
    }

    [Fact(Timeout = 60_000)]
    public async Task Answers_of_200_are_good_and_counted_by_body()
    {
        using var server = new CannedServer("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody");
        var seen = await LoadAsync(server);

        Assert.Equal((0, seen.Sent), (seen.Failed, seen.Bodies["body"]));
    }

    [Fact(Timeout = 60_000)]
    public async Task An_answer_that_the_test_finds_fault_with_has_failed()
    {
        using var server = new CannedServer("HTTP/1.1 200 OK\r\nX-Version: none\r\ncontent-length: 4\r\n\r\nbody");
        var seen = await LoadAsync(server, answer => answer.Field("x-version") == "none" ? "nothing behind it" : null);

        Assert.Equal((0, seen.Sent), (seen.Answered, seen.Failed));
        Assert.Equal("nothing behind it", Assert.Single(seen.Failures).Key);
    }

    [Fact(Timeout = 60_000)]
    public async Task Requests_without_an_answer_fail_and_the_load_says_that_it_did_not_hold_its_rate()
    {
        using var server = new CannedServer("");
        await using var load = SteadyLoad.Start(server.Uri, 1000, connections: 1, patience: TimeSpan.FromMilliseconds(50));
        await load.AfterAsync(3, Cancel);
        var seen = await load.StopAsync();

        Assert.Equal(0, seen.Answered);
        Assert.Equal("no answer in 0.05 s", Assert.Single(seen.Failures).Key);
        Assert.False(seen.HeldItsRate, $"{seen.Sent} of {seen.Due} were sent");
    }

    private static async Task<LoadResult> LoadAsync(CannedServer server, Func<LoadAnswer, string?>? fault = null)
    {
        await using var load = SteadyLoad.Start(server.Uri, 200, connections: 2, fault: fault);
        await load.AfterAsync(20, Cancel);
        return await load.StopAsync();
    }
}
