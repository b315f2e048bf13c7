namespace Lateen.Proxy.Admin;

/// <summary>One page of the admin server.</summary>
/// <param name="Path">Its exact path.</param>
/// <param name="Help">One line for <c>/help</c>.</param>
/// <param name="IsCommand">It changes something, so it is asked with POST only.</param>
/// <param name="Answer">Answers a request; throws only for bugs, and when it is cancelled.</param>
public sealed record AdminPage(
    string Path, string Help, bool IsCommand, Func<AdminRequest, AdminResponse, CancellationToken, ValueTask> Answer)
{
    /// <summary>A page that waits for nothing.</summary>
    public AdminPage(string path, string help, bool isCommand, Action<AdminRequest, AdminResponse> answer)
        : this(path, help, isCommand, (request, response, _) =>
        {
            answer(request, response);
            return ValueTask.CompletedTask;
        })
    {
    }
}
