using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lateen.ControlPlane.Api;

namespace Lateen.Cli.Connection;

/// <summary>The control plane's HTTP API, as the verbs use it. Failures come out as <see cref="CliException"/> with the code that scripts expect.</summary>
internal sealed class ControlPlaneClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly ApiAddress _address;
    private readonly string _foundBy;
    private readonly string _runtimeDirectory;

    private ControlPlaneClient(ApiAddress address, string foundBy, string runtimeDirectory)
    {
        _runtimeDirectory = runtimeDirectory;
        _address = address;
        _foundBy = foundBy;
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (address is ApiAddress.UnixSocket unix)
        {
            handler.ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    // The runtime's own word for a path that is not there is "cannot assign requested address".
                    if (!File.Exists(unix.Path)) throw new IOException("there is no such socket");
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(unix.Path), cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }

        _http = new HttpClient(handler) { BaseAddress = address.BaseUri, Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Finds the control plane by --api, then LATEEN_API, then the note of a running <c>lateen up</c>, then the default port.</summary>
    public static ControlPlaneClient Connect(CliEnvironment environment, string? option)
    {
        if (option is not null) return new ControlPlaneClient(ApiAddress.Parse(option, "--api"), "given by --api", environment.RuntimeDirectory);
        if (environment.ApiAddress is { } variable) return new ControlPlaneClient(ApiAddress.Parse(variable, "LATEEN_API"), "given by LATEEN_API", environment.RuntimeDirectory);
        if (RuntimeFile.Read(environment.RuntimeDirectory) is { } noted)
        {
            string file = RuntimeFile.PathIn(environment.RuntimeDirectory);
            return new ControlPlaneClient(ApiAddress.Parse(noted, file), $"noted in {file}", environment.RuntimeDirectory);
        }

        return new ControlPlaneClient(ApiAddress.Parse("127.0.0.1:15014", "default"), "the default", environment.RuntimeDirectory);
    }

    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        SendAsync(() => new HttpRequestMessage(HttpMethod.Get, path), type, cancellation);

    public Task<TAnswer> PostAsync<TBody, TAnswer>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> type, CancellationToken cancellation) =>
        SendAsync(() => new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body, bodyType) }, type, cancellation);

    public Task<T> DeleteAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        SendAsync(() => new HttpRequestMessage(HttpMethod.Delete, path), type, cancellation);

    private async Task<T> SendAsync<T>(Func<HttpRequestMessage> request, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        try
        {
            using var response = await SendAsync(request, cancellation);
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancellation);
            // 422 carries the same record as 200: a refused change, with its diagnostics.
            if (response.IsSuccessStatusCode || (int)response.StatusCode == 422) return Read(body, type);
            throw Problem(response, body);
        }
        catch (HttpRequestException e)
        {
            throw new CliException(ExitCode.Unreachable, $"no control plane answers at {_address} ({_foundBy}): {Innermost(e)}",
                "start one with `lateen up`, or say where it is with --api or LATEEN_API");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> request, CancellationToken cancellation)
    {
        string? key = ApiKeyFile.Read(_runtimeDirectory, _address);
        var response = await SendAsync(request, key, cancellation);
        // A control plane that begins listens before its key lies there, and answers after.
        if (response.StatusCode != HttpStatusCode.Unauthorized || ApiKeyFile.Read(_runtimeDirectory, _address) is not { } newer || newer == key) return response;
        response.Dispose();
        return await SendAsync(request, newer, cancellation);
    }

    private async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> request, string? key, CancellationToken cancellation)
    {
        using var message = request();
        // Only what changes something asks for the key, and only there is it shown.
        if (key is not null && message.Method != HttpMethod.Get) message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return await _http.SendAsync(message, cancellation);
    }

    private T Read<T>(byte[] body, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw new JsonException("empty answer");
        }
        catch (JsonException e)
        {
            throw new CliException(ExitCode.Unreachable, $"{_address} ({_foundBy}) did not answer as a Lateen control plane does: {e.Message}",
                "check the address; `lateen version` shows what answers there");
        }
    }

    private CliException Problem(HttpResponseMessage response, byte[] body)
    {
        if (response.Content.Headers.ContentType?.MediaType == "application/json" && Read(body, ApiJson.Default.ProblemResponse) is { Message: not null } problem)
            return new CliException(ExitCode.Refused, problem.Message, problem.Hint);
        return new CliException(ExitCode.Unreachable, $"{_address} ({_foundBy}) answered {(int)response.StatusCode} {response.ReasonPhrase}",
            "check that this is the address of a Lateen control plane's API, not of a proxy");
    }

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner) e = inner;
        return e.Message;
    }

    public void Dispose() => _http.Dispose();
}
