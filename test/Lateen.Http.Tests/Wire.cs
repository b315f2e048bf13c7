namespace Lateen.Http.Tests;

/// <summary>Messages as the writer puts them on the wire.</summary>
internal static class Wire
{
    public static string Of(HttpRequestHead head, RequestWriteOptions options = RequestWriteOptions.None)
    {
        byte[] buffer = new byte[128 * 1024];
        Assert.True(Http1Writer.TryWriteRequest(head, options, buffer, out int written));
        return Reading.Text(buffer.AsSpan(0, written));
    }

    public static string Of(HttpResponseHead head, ResponsePlan plan)
    {
        byte[] buffer = new byte[128 * 1024];
        Assert.True(Http1Writer.TryWriteResponse(head, plan, buffer, out int written));
        return Reading.Text(buffer.AsSpan(0, written));
    }

    public static string Of(HttpResponseHead head, RequestMethod method = RequestMethod.Get, HttpProtocol client = HttpProtocol.Http11, bool keepAlive = true) =>
        Of(head, ResponsePlan.For(head, method, client, keepAlive));
}
