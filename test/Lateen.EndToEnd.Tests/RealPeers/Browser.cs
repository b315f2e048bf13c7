using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>
/// Chromium without a window, driven by its own protocol: <c>--remote-debugging-port</c> prints the address of a WebSocket that takes one JSON command
/// a message and answers by its id. Ends with the test, and so does its profile's folder.
/// </summary>
internal sealed class Browser : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-browser-").FullName;
    private readonly ClientWebSocket _socket = new();
    private ProgramUnderTest _program = null!;
    private string _session = "";
    private int _lastId;

    /// <summary>Starts it on a page; skips the test when it is not installed.</summary>
    public static async Task<Browser> OpenAsync(Uri page, CancellationToken cancel)
    {
        var why = Tools.WhyWithout("chromium", "chromium");
        Assert.SkipWhen(why is not null, why ?? "");
        var browser = new Browser();
        browser._program = ProgramUnderTest.Start("chromium", "chromium",
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--no-proxy-server", "--ignore-certificate-errors", "--window-size=1100,1000",
            $"--user-data-dir={browser._folder}", "--remote-debugging-port=0", "about:blank",
        ]);
        const string Announcement = "DevTools listening on ";
        var line = await browser._program.WaitForLineAsync(Announcement, cancel);
        await browser._socket.ConnectAsync(new Uri(line[(line.IndexOf(Announcement, StringComparison.Ordinal) + Announcement.Length)..]), cancel);
        var target = await browser.SendAsync("Target.createTarget", new JsonObject { ["url"] = "about:blank" }, cancel);
        var attached = await browser.SendAsync(
            "Target.attachToTarget", new JsonObject { ["targetId"] = (string)target["targetId"]!, ["flatten"] = true }, cancel);
        browser._session = (string)attached["sessionId"]!;
        await browser.SendAsync("Page.enable", [], cancel);
        await browser.SendAsync("Page.navigate", new JsonObject { ["url"] = page.ToString() }, cancel);
        return browser;
    }

    /// <summary>The value of a JavaScript expression in the page; a promise is waited for.</summary>
    public async Task<string> EvaluateAsync(string expression, CancellationToken cancel)
    {
        var answer = await SendAsync(
            "Runtime.evaluate", new JsonObject { ["expression"] = expression, ["awaitPromise"] = true, ["returnByValue"] = true }, cancel);
        Assert.True(answer["exceptionDetails"] is null, $"{expression}\n{answer["exceptionDetails"]}");
        return answer["result"]!["value"]?.ToString() ?? "";
    }

    /// <summary>Asks the page again and again until the expression is true.</summary>
    public async Task UntilAsync(string expression, CancellationToken cancel)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(25));
        while (await EvaluateAsync($"String({expression})", cancel) != "true")
        {
            await pace.WaitForNextTickAsync(cancel);
        }
    }

    /// <summary>The page as a picture.</summary>
    public async Task<byte[]> ScreenshotAsync(CancellationToken cancel)
    {
        var answer = await SendAsync("Page.captureScreenshot", new JsonObject { ["format"] = "png" }, cancel);
        return Convert.FromBase64String((string)answer["data"]!);
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _program.DisposeAsync();
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // A child of the browser that was just killed may still have written; the folder is under the temporary one.
        }
    }

    private async Task<JsonNode> SendAsync(string method, JsonObject parameters, CancellationToken cancel)
    {
        var id = ++_lastId;
        var command = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (_session.Length > 0)
        {
            command["sessionId"] = _session;
        }

        await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(command).AsMemory(), WebSocketMessageType.Text, endOfMessage: true, cancel);
        while (true)
        {
            var answer = JsonNode.Parse(await ReceiveAsync(cancel))!;
            if ((int?)answer["id"] == id)
            {
                Assert.True(answer["error"] is null, $"{method}: {answer["error"]}");
                return answer["result"]!;
            }
        }
    }

    private async Task<byte[]> ReceiveAsync(CancellationToken cancel)
    {
        using var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var received = await _socket.ReceiveAsync(buffer.AsMemory(), cancel);
            message.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
            {
                return message.ToArray();
            }
        }
    }
}
