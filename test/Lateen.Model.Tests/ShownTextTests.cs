namespace Lateen.Model.Tests;

public sealed class ShownTextTests
{
    private const string Password = """
        # the old one was swordfish
        apiVersion: v1
        kind: Secret
        metadata:
          name: db
          annotations:
            kubectl.kubernetes.io/last-applied-configuration: '{"stringData":{"password":"hunter2"}}'
            owner: payments
        stringData: {password: hunter2, user: hunter2}
        data: {more: aHVudGVyMg==}
        """;

    [Fact]
    public void A_secret_is_shown_with_the_names_of_its_entries_and_without_their_values()
    {
        var shown = ShownText.Of(Given.Resources(Password)[0]);

        Assert.DoesNotContain("hunter2", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("aHVudGVyMg", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("swordfish", shown, StringComparison.Ordinal);
        Assert.Contains("password: \"***\"", shown, StringComparison.Ordinal);
        Assert.Contains("more: \"***\"", shown, StringComparison.Ordinal);
        Assert.Contains("owner: payments", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_of_a_secret_shows_which_entries_differ_and_not_how()
    {
        var before = Given.Resources(Password)[0];
        var after = Given.Resources(Password.Replace("password: hunter2,", "password: correct-horse,", StringComparison.Ordinal))[0];

        var (left, right) = ShownText.Of(before, after);

        Assert.Contains("password: \"*** (before)\"", left, StringComparison.Ordinal);
        Assert.Contains("password: \"*** (after)\"", right, StringComparison.Ordinal);
        Assert.Contains("user: \"***\"", right, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", left + right, StringComparison.Ordinal);
        Assert.DoesNotContain("correct-horse", left + right, StringComparison.Ordinal);
    }

    [Fact]
    public void A_resource_of_any_other_kind_is_shown_as_written()
    {
        var service = Given.Resources(Given.Service("web"))[0];

        Assert.Equal(service.Text, ShownText.Of(service));
    }

    [Fact]
    public void A_secret_says_nothing_of_itself_as_text()
    {
        var secret = (Resource<Kubernetes.Secret>)Given.Resources(Password)[0];

        Assert.Equal("Secret (not shown)", secret.Spec.ToString());
    }
}
