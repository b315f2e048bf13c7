using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Lateen.ControlPlane.Api;

/// <summary>
/// What changes the certificate authority is not done for every program of the machine: a join token is an identity. A caller shows the key of this run, which
/// lies where the user who runs the control plane can read it, as a bearer token.
/// </summary>
internal sealed class ApiKey(Func<string, string>? publish)
{
    private const string Bearer = "Bearer ";

    // The API's address is known when it is bound, and then it answers already: who comes before the key is out waits for it.
    private readonly TaskCompletionSource<byte[]?> _key = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Called once, when the API is bound.</summary>
    public void Publish(string address) => _key.SetResult(publish is null ? null : Encoding.UTF8.GetBytes(publish(address)));

    /// <summary>The filter of addresses that want the key.</summary>
    public async ValueTask<object?> RequireAsync(EndpointFilterInvocationContext call, EndpointFilterDelegate next)
    {
        if (await _key.Task.WaitAsync(call.HttpContext.RequestAborted) is not { } key) return await next(call);
        string shown = call.HttpContext.Request.Headers.Authorization.ToString();
        return shown.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(shown[Bearer.Length..]), key)
            ? await next(call)
            : ApiEndpoints.Problem(StatusCodes.Status401Unauthorized, "not_the_operator", "the authority is changed by the user alone who runs the control plane",
                "run the command as that user, with the same XDG_RUNTIME_DIR as `lateen up`: the key lies there");
    }
}
