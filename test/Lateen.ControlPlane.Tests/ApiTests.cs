using System.Net;
using System.Net.Http.Json;
using System.Text;
using Lateen.ControlPlane.Api;

namespace Lateen.ControlPlane.Tests;

public sealed class ApiTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Apply_with_one_bad_resource_stores_none_and_reports_every_fault()
    {
        await using var plane = await TestPlane.StartAsync();

        var answer = await plane.ApplyAsync($"{TestPlane.Service("a")}---\n{TestPlane.Route("a").Replace("timeout", "timout", StringComparison.Ordinal)}---\nkind: Nonsense\n");

        Assert.False(answer.Accepted);
        Assert.True(answer.Diagnostics.Count(diagnostic => diagnostic.Severity == "error") >= 2);
        Assert.Contains(answer.Diagnostics, diagnostic => diagnostic is { File: "test.yaml", Line: > 0, Field: "spec.http[0].timout" });
        Assert.Empty((await ListAsync(plane)).Items);
        Assert.Equal(0, plane.Host.Revision);
    }

    [Fact]
    public async Task Apply_of_the_same_again_makes_no_revision()
    {
        await using var plane = await TestPlane.StartAsync();
        var first = await plane.ApplyAsync(TestPlane.Service("a"));
        var second = await plane.ApplyAsync(TestPlane.Service("a"));

        Assert.Equal("created", Assert.Single(first.Changes).Change);
        Assert.Equal("unchanged", Assert.Single(second.Changes).Change);
        Assert.Equal(first.Revision, second.Revision);
    }

    [Fact]
    public async Task Dry_run_reports_what_would_change_and_changes_nothing()
    {
        await using var plane = await TestPlane.StartAsync();
        var answer = await plane.ApplyAsync(TestPlane.Service("a"), dryRun: true);

        Assert.Equal("created", Assert.Single(answer.Changes).Change);
        Assert.Empty((await ListAsync(plane)).Items);
    }

    [Fact]
    public async Task Applied_resource_hides_the_files_until_it_is_deleted()
    {
        await using var plane = await TestPlane.StartAsync(("a.yaml", TestPlane.Service("a", "10.0.0.1")));
        var applied = await plane.ApplyAsync(TestPlane.Service("a", "10.0.0.2"));
        Assert.Contains(applied.Diagnostics, diagnostic => diagnostic is { Code: "LAT1301", File: "a.yaml" });
        Assert.Equal("applied", Assert.Single((await ListAsync(plane)).Items).Source);

        using var deleted = await DeleteAsync(plane, "se", "a");

        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        var item = Assert.Single((await ListAsync(plane)).Items);
        Assert.StartsWith("a.yaml:", item.Source, StringComparison.Ordinal);
        Assert.Contains("10.0.0.1", item.Resource.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resource_of_a_file_cannot_be_deleted_here_and_the_answer_says_where_it_stands()
    {
        await using var plane = await TestPlane.StartAsync(("a.yaml", TestPlane.Service("a")));
        using var response = await DeleteAsync(plane, "serviceentry", "a");

        Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
        var problem = await response.Content.ReadFromJsonAsync(ApiJson.Default.ProblemResponse, Cancellation);
        Assert.Equal("held_by_file", problem!.Code);
        Assert.Contains("a.yaml:1", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Applied_resources_and_revision_numbers_survive_a_restart()
    {
        await using var plane = await TestPlane.StartAsync();
        await plane.ApplyAsync(TestPlane.Service("a"));
        await plane.ApplyAsync(TestPlane.Service("b"));
        await plane.ApplyAsync(TestPlane.Service("b", "10.0.0.3"));

        await plane.RestartAsync();

        Assert.Equal(3, plane.Host.Revision);
        Assert.Equal(["a", "b"], (await ListAsync(plane)).Items.Select(item => item.Name));
        Assert.Equal(4, (await plane.ApplyAsync(TestPlane.Service("c"))).Revision);
    }

    [Fact]
    public async Task Broken_file_keeps_its_last_good_resources_and_is_reported()
    {
        await using var plane = await TestPlane.StartAsync(("a.yaml", TestPlane.Service("a")));
        await File.WriteAllTextAsync(Path.Combine(plane.Configuration, "a.yaml"), "apiVersion: [broken\n", Cancellation);

        DiagnosticListResponse diagnostics;
        do diagnostics = (await plane.Http.GetFromJsonAsync("api/v1/diagnostics", ApiJson.Default.DiagnosticListResponse, Cancellation))!;
        while (diagnostics.Items.Count == 0);

        Assert.Contains(diagnostics.Items, diagnostic => diagnostic is { Severity: "error", File: "a.yaml" });
        Assert.Equal("a", Assert.Single((await ListAsync(plane)).Items).Name);
    }

    [Theory]
    [InlineData("evil.example", null, HttpStatusCode.Forbidden)]
    [InlineData("localhost", "https://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("localhost", null, HttpStatusCode.OK)]
    public async Task Requests_of_web_pages_are_refused(string host, string? origin, HttpStatusCode expected)
    {
        await using var plane = await TestPlane.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/v1/version") { Headers = { Host = host } };
        if (origin is not null) request.Headers.Add("Origin", origin);
        using var response = await plane.Http.SendAsync(request, Cancellation);
        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task Body_of_a_form_is_not_read()
    {
        await using var plane = await TestPlane.StartAsync();
        using var response = await plane.Http.PostAsync("api/v1/resources/apply", new StringContent("{}", Encoding.UTF8, "text/plain"), Cancellation);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Theory]
    [InlineData("api/v1/resources?kind=nonsense", HttpStatusCode.BadRequest, "unknown_kind")]
    [InlineData("api/v1/revisions/99/served", HttpStatusCode.NotFound, "unknown_revision")]
    [InlineData("api/v1/proxies/nobody", HttpStatusCode.NotFound, "unknown_proxy")]
    [InlineData("debug/config_dump", HttpStatusCode.BadRequest, "no_proxy")]
    public async Task Question_that_has_no_answer_gets_a_problem_with_a_code(string path, HttpStatusCode status, string code)
    {
        await using var plane = await TestPlane.StartAsync();
        using var response = await plane.Http.GetAsync(path, Cancellation);
        Assert.Equal(status, response.StatusCode);
        Assert.Equal(code, (await response.Content.ReadFromJsonAsync(ApiJson.Default.ProblemResponse, Cancellation))!.Code);
    }

    [Theory]
    [InlineData("ready")]
    [InlineData("version")]
    [InlineData("metrics")]
    [InlineData("debug/syncz")]
    [InlineData("debug/configz")]
    [InlineData("debug/registryz")]
    [InlineData("debug/endpointz")]
    public async Task Operational_page_answers(string path)
    {
        await using var plane = await TestPlane.StartAsync(("a.yaml", TestPlane.Service("a")));
        Assert.NotEmpty(await plane.Http.GetStringAsync(path, Cancellation));
    }

    private static async Task<ResourceListResponse> ListAsync(TestPlane plane) =>
        (await plane.Http.GetFromJsonAsync("api/v1/resources", ApiJson.Default.ResourceListResponse, Cancellation))!;

    private static Task<HttpResponseMessage> DeleteAsync(TestPlane plane, string kind, string name) =>
        plane.Http.PostAsJsonAsync("api/v1/resources/delete", new DeleteRequest([new ResourceName(kind, "shop", name)]), ApiJson.Default.DeleteRequest, Cancellation);
}
