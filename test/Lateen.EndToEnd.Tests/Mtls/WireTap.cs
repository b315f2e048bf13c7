using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Lateen.EndToEnd.Tests.Mtls;

/// <summary>A relay between two proxies that passes on what it gets and keeps what it saw: the network as an eavesdropper has it.</summary>
internal sealed class WireTap : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly ConcurrentQueue<Conversation> _conversations = new();
    private readonly int _target;
    private readonly Task _accepting;

    public WireTap(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Connections that came by, in order.</summary>
    public IReadOnlyCollection<Conversation> Conversations => _conversations;

    /// <summary>The bytes that both sides of all connections sent.</summary>
    public byte[] Everything => [.. _conversations.SelectMany(static conversation => conversation.FromClient.Concat(conversation.FromServer))];

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        foreach (var socket in _sockets) socket.Dispose();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var client = await _listener.AcceptSocketAsync();
                _sockets.Add(client);
                _ = RelayAsync(client);
            }
            catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task RelayAsync(Socket client)
    {
        var conversation = new Conversation();
        _conversations.Enqueue(conversation);
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _sockets.Add(server);
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target);
            await Task.WhenAll(PumpAsync(client, server, conversation.AddFromClient), PumpAsync(server, client, conversation.AddFromServer));
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            client.Dispose();
        }
    }

    private static async Task PumpAsync(Socket from, Socket to, Action<ReadOnlyMemory<byte>> keep)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            int length;
            while ((length = await from.ReceiveAsync(buffer)) > 0)
            {
                keep(buffer.AsMemory(0, length));
                await to.SendAsync(buffer.AsMemory(0, length));
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // Who is reset has to hear of it: a relay that kept the other half would make it wait for ever.
            from.Dispose();
            to.Dispose();
        }
    }

    /// <summary>What was said on one connection.</summary>
    internal sealed class Conversation
    {
        private readonly ConcurrentQueue<byte> _fromClient = new();
        private readonly ConcurrentQueue<byte> _fromServer = new();

        public byte[] FromClient => [.. _fromClient];

        public byte[] FromServer => [.. _fromServer];

        /// <summary>The client began with a TLS handshake record (RFC 8446 5.1).</summary>
        public bool IsTls => FromClient is [0x16, 0x03, ..];

        public void AddFromClient(ReadOnlyMemory<byte> bytes) => Add(_fromClient, bytes);

        public void AddFromServer(ReadOnlyMemory<byte> bytes) => Add(_fromServer, bytes);

        private static void Add(ConcurrentQueue<byte> to, ReadOnlyMemory<byte> bytes)
        {
            foreach (var one in bytes.Span) to.Enqueue(one);
        }
    }
}
