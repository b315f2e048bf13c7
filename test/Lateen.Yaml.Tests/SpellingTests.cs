namespace Lateen.Yaml.Tests;

public sealed class SpellingTests
{
    private static readonly string[] Fields = ["connect_timeout", "type", "load_assignment", "http_filters"];

    [Theory]
    [InlineData("conect_timeout", "connect_timeout")]
    [InlineData("connectTimeout", "connect_timeout")]
    [InlineData("tpye", "type")]
    [InlineData("load-asignment", "load_assignment")]
    [InlineData("http_filter", "http_filters")]
    public void A_slip_is_recognised(string written, string meant) => Assert.Equal(meant, Spelling.Nearest(written, Fields));

    [Theory]
    [InlineData("xyz")]
    [InlineData("")]
    [InlineData("transport_socket")]
    public void Another_word_is_not_taken_for_a_slip(string written) => Assert.Null(Spelling.Nearest(written, Fields));

    [Fact]
    public void The_nearest_wins_and_the_first_of_equals()
    {
        Assert.Equal("abcd", Spelling.Nearest("abcx", ["abzz", "abcd", "abce"]));
    }
}
