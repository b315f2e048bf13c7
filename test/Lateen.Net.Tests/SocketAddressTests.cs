using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Lateen.Net.Tests;

public sealed class SocketAddressTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ipv6_loopback_is_served_and_connected()
    {
        await using var test = new TestReactor();
        var listener = test.Listen(WireExtensions.Echo, endPoint: new IPEndPoint(IPAddress.IPv6Loopback, 0));
        Assert.Equal("::1", await EchoedFrom(test, listener.LocalEndPoint, peer => ((IPEndPoint)peer.RemoteEndPoint).Address.ToString()));
    }

    [Fact]
    public async Task Ipv6_listener_that_takes_ipv4_shows_the_client_s_ipv4_address()
    {
        await using var test = new TestReactor();
        var seen = new TaskCompletionSource<(EndPoint Local, EndPoint Remote)>();
        var listener = test.Listen(
            connection =>
            {
                seen.SetResult((connection.LocalEndPoint, connection.RemoteEndPoint));
                return ValueTask.CompletedTask;
            },
            new ListenerOptions { Ipv4Compatible = true },
            new IPEndPoint(IPAddress.IPv6Any, 0));
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, ((IPEndPoint)listener.LocalEndPoint).Port), Cancellation);
        var (local, remote) = await seen.Task.WaitAsync(TestReactor.Patience, Cancellation);
        Assert.Equal(client.LocalEndPoint, remote);
        Assert.Equal(client.RemoteEndPoint, local);
    }

    [Fact]
    public async Task Abstract_unix_socket_is_served_and_connected()
    {
        await using var test = new TestReactor();
        var address = UnixSocketEndPoint.Parse($"@lateen-net-tests-{Guid.NewGuid():N}");
        Assert.True(address.IsAbstract);
        test.Listen(WireExtensions.Echo, endPoint: address);
        Assert.Equal(address.ToString(), await EchoedFrom(test, address, peer => peer.RemoteEndPoint.ToString()!));
    }

    [Fact]
    public async Task Unix_socket_file_is_replaced_when_stale_and_removed_on_close()
    {
        var path = Path.Combine(Path.GetTempPath(), $"lateen-{Guid.NewGuid():N}.sock");
        // A bound socket that is gone leaves its file, as a killed process does; moved aside, since .NET would remove it.
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(path));
            Assert.True(File.Exists(path));
            File.Move(path, path + ".tmp");
        }

        File.Move(path + ".tmp", path);
        await using (var test = new TestReactor())
        {
            var listener = test.Listen(WireExtensions.Echo, endPoint: new UnixSocketEndPoint(path));
            Assert.Equal(path, await EchoedFrom(test, listener.LocalEndPoint, peer => peer.RemoteEndPoint.ToString()!));
            Assert.True(File.Exists(path));
        }

        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task Unix_path_where_another_listens_or_another_file_is_stays_as_it_is()
    {
        await using var test = new TestReactor();
        var path = Path.Combine(Path.GetTempPath(), $"lateen-{Guid.NewGuid():N}.sock");
        test.Listen(WireExtensions.Echo, endPoint: new UnixSocketEndPoint(path));
        var second = TransportListener.Bind(test.Reactor, new UnixSocketEndPoint(path), ListenerOptions.Default, WireExtensions.Echo);
        Assert.Equal(TransportError.AddressInUse, second.Error);
        Assert.Equal(path, await EchoedFrom(test, new UnixSocketEndPoint(path), peer => peer.RemoteEndPoint.ToString()!));

        var file = path + ".txt";
        await File.WriteAllTextAsync(file, "precious", Cancellation);
        var overFile = TransportListener.Bind(test.Reactor, new UnixSocketEndPoint(file), ListenerOptions.Default, WireExtensions.Echo);
        Assert.Equal(TransportError.AddressInUse, overFile.Error);
        Assert.Equal("precious", await File.ReadAllTextAsync(file, Cancellation));
        File.Delete(file);
    }

    [Fact]
    public async Task Unix_path_that_does_not_fit_is_a_failure_and_not_an_exception()
    {
        await using var test = new TestReactor();
        var tooLong = new UnixSocketEndPoint("/tmp/" + new string('x', 103));
        var bound = TransportListener.Bind(test.Reactor, tooLong, ListenerOptions.Default, WireExtensions.Echo);
        Assert.Equal(TransportError.AddressInvalid, bound.Error);
        var connected = await test.Run(() => TransportConnector.ConnectAsync(test.Reactor, tooLong, ConnectOptions.Default));
        Assert.Equal(TransportError.AddressInvalid, connected.Error);
    }

    [Fact]
    public void Longest_unix_path_that_fits_is_written_with_its_ending_zero()
    {
        var path = new string('p', 107);
        Span<byte> address = stackalloc byte[Interop.SocketAddressCodec.MaxBytes];
        var bytes = Interop.SocketAddressCodec.Write(new UnixSocketEndPoint(path), address, out _);
        Assert.Equal(110, bytes);
        Assert.Equal(path, Interop.SocketAddressCodec.Read(address[..bytes]).ToString());
    }

    [Theory]
    [InlineData("127.0.0.1", 80)]
    [InlineData("255.255.255.255", 65535)]
    [InlineData("::1", 1)]
    [InlineData("fe80::1%3", 15001)]
    [InlineData("2001:db8::ff", 443)]
    public void Ip_address_survives_the_way_through_the_kernel_s_form(string address, int port)
    {
        var endPoint = new IPEndPoint(IPAddress.Parse(address), port);
        Span<byte> raw = stackalloc byte[Interop.SocketAddressCodec.MaxBytes];
        var bytes = Interop.SocketAddressCodec.Write(endPoint, raw, out _);
        Assert.Equal(endPoint, Interop.SocketAddressCodec.Read(raw[..bytes]));
    }

    [Fact]
    public void Address_cut_short_reads_as_unnamed_at_every_length()
    {
        var raw = new byte[Interop.SocketAddressCodec.MaxBytes];
        var bytes = Interop.SocketAddressCodec.Write(new IPEndPoint(IPAddress.IPv6Loopback, 80), raw, out _);
        for (var length = 0; length < bytes; length++)
            Assert.Equal(UnixSocketEndPoint.Unnamed, Interop.SocketAddressCodec.Read(raw.AsSpan(0, length)));
        Assert.True(RuntimeInformation.IsOSPlatform(OSPlatform.Linux));
    }

    private static async Task<string> EchoedFrom(TestReactor test, EndPoint address, Func<TransportConnection, string> look)
    {
        return await test.Run(async () =>
        {
            var result = await TransportConnector.ConnectAsync(test.Reactor, address, ConnectOptions.Default);
            Assert.True(result.IsConnected, result.Error.ToString());
            using var connection = result.Connection;
            await connection.WriteAll("hello"u8.ToArray());
            var buffer = new byte[16];
            Assert.Equal(5, (await connection.ReadSome(buffer)).Bytes);
            return look(connection);
        });
    }
}
