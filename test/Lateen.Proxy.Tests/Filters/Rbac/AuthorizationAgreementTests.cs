namespace Lateen.Proxy.Tests.Filters.Rbac;

/// <summary>
/// What <c>lateen authz check</c> says of a request is what a proxy does with it: policies and requests are generated, the policies are judged as they are written,
/// and also translated, compiled by the proxy and asked as its filters ask them. The two know nothing of each other.
/// </summary>
public sealed class AuthorizationAgreementTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_check_and_the_proxy_say_the_same_and_name_the_same_rule(int quarter)
    {
        const int perQuarter = 100;
        const int requests = 30;
        int compared = 0, decided = 0;
        for (int seed = quarter * perQuarter; seed < (quarter + 1) * perQuarter; seed++)
        {
            var generated = new GeneratedPolicies(seed).Generate();
            // The generator writes what users may write; what a rule of the reader forbids is no case.
            if (TranslatedPolicies.Of(generated.Yaml) is not { } policies) continue;
            for (int i = 0; i < requests; i++)
            {
                var request = generated.Request(isHttp: i % 5 != 0);
                if (policies.Judged(request) is not { } actual) continue;
                var expected = policies.Checked(request);
                Assert.True(expected == actual, $"seed {seed}, request {i}: the check says {expected}, the proxy {actual}\n{TranslatedPolicies.Line(request)}\n{generated.Yaml}");
                compared++;
                if (actual.Decisive.Length > 0) decided++;
            }
        }

        // A generator whose policies are refused or never match would agree about nothing.
        Assert.InRange(compared, perQuarter * requests / 3, int.MaxValue);
        Assert.InRange(decided, compared / 4, int.MaxValue);
    }
}
