using System.Net;
using System.Text;
using Lateen.Proxy.ProxyProtocol;

namespace Lateen.Proxy.Tests.Detection;

/// <summary>The PROXY header (haproxy.org/download/3.0/doc/proxy-protocol.txt), whole and byte by byte.</summary>
public sealed class ProxyHeaderTests
{
    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n", "192.0.2.1:56324", "198.51.100.7:443")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:DB8::2 0 65535\r\n", "[2001:db8::1]:0", "[2001:db8::2]:65535")]
    [InlineData("PROXY UNKNOWN\r\n", null, null)]
    [InlineData("PROXY UNKNOWN anything at all 1 2\r\n", null, null)]
    public void Section_2_1_a_line_is_read_and_what_follows_is_left(string line, string? source, string? destination)
    {
        var bytes = Encoding.Latin1.GetBytes(line + "rest");
        for (var length = 0; length < line.Length; length++) Assert.Equal(ProxyHeaderStatus.NeedMore, ProxyHeaderReader.Read(bytes.AsSpan(0, length), out _));

        Assert.Equal(ProxyHeaderStatus.Complete, ProxyHeaderReader.Read(bytes, out var header));
        Assert.Equal(line.Length, header.Octets);
        Assert.Equal(source is null ? null : IPEndPoint.Parse(source), header.Source);
        Assert.Equal(destination is null ? null : IPEndPoint.Parse(destination), header.Destination);
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 56324\r\n")]
    [InlineData("PROXY TCP4  192.0.2.1 198.51.100.7 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 \r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 056324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 56324 65536\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 -1 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2 198.51.100.7 1 443\r\n")]
    [InlineData("PROXY TCP4 0300.0.2.1 198.51.100.7 1 443\r\n")]
    [InlineData("PROXY TCP4 2001:db8::1 2001:db8::2 1 443\r\n")]
    [InlineData("PROXY TCP6 192.0.2.1 198.51.100.7 1 443\r\n")]
    [InlineData("PROXY TCP6 fe80::1%eth0 2001:db8::2 1 443\r\n")]
    [InlineData("PROXY TCP5 192.0.2.1 198.51.100.7 1 443\r\n")]
    [InlineData("PROXY UNKNOWNX\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 1 443\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 1 4\r43\r\n")]
    public void A_line_that_breaks_the_grammar_is_refused(string line)
    {
        Assert.Equal(ProxyHeaderStatus.Malformed, ProxyHeaderReader.Read(Encoding.Latin1.GetBytes(line), out _));
    }

    [Fact]
    public void Section_2_1_a_line_of_more_than_107_octets_is_refused_without_waiting_for_its_end()
    {
        Assert.Equal(ProxyHeaderStatus.Malformed, ProxyHeaderReader.Read(Encoding.Latin1.GetBytes("PROXY UNKNOWN " + new string('x', 100)), out _));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("PROXIES")]
    [InlineData("\r\n\r\nx")]
    public void Other_bytes_are_no_header(string text)
    {
        Assert.Equal(ProxyHeaderStatus.None, ProxyHeaderReader.Read(Encoding.Latin1.GetBytes(text), out _));
    }

    [Theory]
    [InlineData(ProxyProtocolVersion.V1, "192.0.2.1:1", "198.51.100.7:65535")]
    [InlineData(ProxyProtocolVersion.V1, "[2001:db8::1]:1", "[2001:db8::2]:2")]
    [InlineData(ProxyProtocolVersion.V2, "192.0.2.1:1", "198.51.100.7:65535")]
    [InlineData(ProxyProtocolVersion.V2, "[2001:db8::1]:1", "[2001:db8::2]:2")]
    public void What_is_written_reads_the_same_byte_by_byte(ProxyProtocolVersion version, string source, string destination)
    {
        Span<byte> room = stackalloc byte[ProxyHeaderWriter.MaxOctets];
        ReadOnlySpan<byte> bytes = room[..ProxyHeaderWriter.Write(version, IPEndPoint.Parse(source), IPEndPoint.Parse(destination), room)];
        for (var length = 0; length < bytes.Length; length++) Assert.Equal(ProxyHeaderStatus.NeedMore, ProxyHeaderReader.Read(bytes[..length], out _));

        Assert.Equal(ProxyHeaderStatus.Complete, ProxyHeaderReader.Read(bytes, out var header));
        Assert.Equal(new ProxyHeader(version, bytes.Length, IPEndPoint.Parse(source), IPEndPoint.Parse(destination)), header);
    }

    [Theory]
    [InlineData(ProxyProtocolVersion.V1)]
    [InlineData(ProxyProtocolVersion.V2)]
    public void A_connection_of_the_proxy_s_own_says_so(ProxyProtocolVersion version)
    {
        Span<byte> room = stackalloc byte[ProxyHeaderWriter.MaxOctets];
        Assert.Equal(ProxyHeaderStatus.Complete, ProxyHeaderReader.Read(room[..ProxyHeaderWriter.Write(version, null, null, room)], out var header));
        Assert.Null(header.Source);
    }

    [Theory]
    [InlineData(12, 0x31)]
    [InlineData(12, 0x22)]
    [InlineData(13, 0x41)]
    [InlineData(13, 0x13)]
    [InlineData(14, 0xFF)]
    [InlineData(15, 0x0B)]
    public void Section_2_2_a_binary_header_with_a_wrong_octet_is_refused(int at, byte value)
    {
        var bytes = new byte[ProxyHeaderWriter.MaxOctets];
        ProxyHeaderWriter.Write(ProxyProtocolVersion.V2, IPEndPoint.Parse("192.0.2.1:1"), IPEndPoint.Parse("192.0.2.2:2"), bytes);
        bytes[at] = value;

        Assert.Equal(ProxyHeaderStatus.Malformed, ProxyHeaderReader.Read(bytes, out _));
    }

    [Fact]
    public void Random_bytes_after_a_right_beginning_never_throw_and_never_exceed_what_was_given()
    {
        var random = new Random(20260101);
        var bytes = new byte[200];
        for (var i = 0; i < 50_000; i++)
        {
            random.NextBytes(bytes);
            if (i % 2 == 0) ProxyHeaderWriter.Signature.CopyTo(bytes);
            else "PROXY TCP4 "u8.CopyTo(bytes);
            if (i % 2 == 0) bytes[12] = 0x21;
            var given = bytes.AsSpan(0, random.Next(bytes.Length));
            if (ProxyHeaderReader.Read(given, out var header) == ProxyHeaderStatus.Complete) Assert.InRange(header.Octets, 1, given.Length);
        }
    }
}
