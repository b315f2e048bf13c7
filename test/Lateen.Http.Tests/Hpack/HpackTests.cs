using System.Text;

namespace Lateen.Http.Tests.Hpack;

/// <summary>RFC 7541: the examples of appendix C, and each way in which a block can be broken.</summary>
public sealed class HpackTests
{
    [Theory]
    [InlineData(10, 5, "0a")]
    [InlineData(1337, 5, "1f9a0a")]
    [InlineData(42, 8, "2a")]
    [InlineData(30, 5, "1e")]
    [InlineData(31, 5, "1f00")]
    [InlineData(127, 7, "7f00")]
    [InlineData((1 << 28) - 1, 7, "7f80ffff7f")]
    public void Rfc7541_5_1_integers_are_written_and_read(int value, int prefixBits, string octets)
    {
        Span<byte> buffer = stackalloc byte[8];
        int written = HpackInteger.Write(buffer, 0, prefixBits, value);
        Assert.Equal(octets, Convert.ToHexStringLower(buffer[..written]));
        ReadOnlySpan<byte> rest = buffer[..written];
        Assert.True(HpackInteger.TryRead(ref rest, prefixBits, out int read));
        Assert.Equal(value, read);
        Assert.Equal(0, rest.Length);
        for (int cut = 1; cut < written; cut++)
        {
            ReadOnlySpan<byte> part = buffer[..cut];
            Assert.False(HpackInteger.TryRead(ref part, prefixBits, out _));
        }
    }

    [Theory]
    [InlineData("ff8080808000")]
    [InlineData("ffffffffffff7f")]
    [InlineData("ffffffff7f")]
    public void Rfc7541_5_1_integers_beyond_the_limit_are_refused(string octets)
    {
        ReadOnlySpan<byte> input = Convert.FromHexString(octets);
        bool accepted = HpackInteger.TryRead(ref input, 7, out int value);
        Assert.True(!accepted || value < 1 << 28);
        Assert.Equal("broken", Decode(new HpackDecoder(4096), octets));
    }

    [Theory]
    [InlineData("400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header", 55)]
    [InlineData("040c2f73616d706c652f70617468", ":path: /sample/path", 0)]
    [InlineData("100870617373776f726406736563726574", "password: secret (never indexed)", 0)]
    [InlineData("82", ":method: GET", 0)]
    public void Rfc7541_C_2_header_field_representations(string block, string field, int tableSize)
    {
        var decoder = new HpackDecoder(4096);
        Assert.Equal(field, Decode(decoder, block));
        Assert.Equal(tableSize, decoder.Table.Size);
    }

    [Theory]
    [InlineData("828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865", "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565")]
    [InlineData("828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf", "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")]
    public void Rfc7541_C_3_and_C_4_requests(string first, string second, string third)
    {
        var decoder = new HpackDecoder(4096);
        Assert.Equal(":method: GET|:scheme: http|:path: /|:authority: www.example.com", Decode(decoder, first));
        Assert.Equal(57, decoder.Table.Size);
        Assert.Equal(":method: GET|:scheme: http|:path: /|:authority: www.example.com|cache-control: no-cache", Decode(decoder, second));
        Assert.Equal(110, decoder.Table.Size);
        Assert.Equal(":method: GET|:scheme: https|:path: /index.html|:authority: www.example.com|custom-key: custom-value", Decode(decoder, third));
        Assert.Equal(164, decoder.Table.Size);
    }

    [Theory]
    [InlineData(
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31")]
    [InlineData(
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007")]
    public void Rfc7541_C_5_and_C_6_responses_evict_from_a_table_of_256(string first, string second, string third)
    {
        var decoder = new HpackDecoder(256);
        Assert.Equal(
            ":status: 302|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT|location: https://www.example.com", Decode(decoder, first));
        Assert.Equal(222, decoder.Table.Size);
        Assert.Equal(
            ":status: 307|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT|location: https://www.example.com", Decode(decoder, second));
        Assert.Equal(222, decoder.Table.Size);
        Assert.Equal(
            ":status: 200|cache-control: private|date: Mon, 21 Oct 2013 20:13:22 GMT|location: https://www.example.com|content-encoding: gzip"
            + "|set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1", Decode(decoder, third));
        Assert.Equal(215, decoder.Table.Size);
    }

    [Fact]
    public void Fields_of_a_block_may_be_as_large_together_as_the_limit()
    {
        var decoder = new HpackDecoder(4096) { MaxListOctets = 68 };
        Assert.Equal("a: b|a: b", Decode(decoder, "00016101620001610162"));
        Assert.Equal("a: b|a: b", Decode(decoder, "4001610162be")); // Each block begins anew.
        Assert.False(decoder.IsExpanded);
        Assert.Equal("a: b|a: b|broken", Decode(decoder, "bebebebe"));
        Assert.True(decoder.IsExpanded);
        decoder = new HpackDecoder(4096) { MaxFields = 2 };
        Assert.Equal(":method: GET|:method: GET", Decode(decoder, "8282"));
        Assert.Equal(":method: GET|:method: GET|broken", Decode(decoder, "828282"));
        Assert.True(decoder.IsExpanded);
    }

    [Fact]
    public void Rfc7541_B_code_is_complete_and_every_octet_survives_it()
    {
        byte[] all = Enumerable.Range(0, 256).Select(i => (byte)i).ToArray();
        byte[] code = new byte[HuffmanCode.EncodedOctets(all)];
        Assert.Equal(code.Length, HuffmanCode.Encode(all, code));
        byte[] back = new byte[HuffmanCode.MaxDecodedOctets(code.Length)];
        Assert.Equal(all, back[..HuffmanCode.Decode(code, back)]);

        foreach (byte b in all)
        {
            byte[] text = Enumerable.Repeat(b, 9).ToArray();
            byte[] one = new byte[HuffmanCode.EncodedOctets(text)];
            HuffmanCode.Encode(text, one);
            byte[] decoded = new byte[HuffmanCode.MaxDecodedOctets(one.Length)];
            Assert.Equal(text, decoded[..HuffmanCode.Decode(one, decoded)]);
        }
    }

    [Theory]
    [InlineData("ff")] // Eight bits of padding.
    [InlineData("1f00")] // 'a', then padding of zeros.
    [InlineData("ffffffff")] // The end-of-string symbol and padding.
    [InlineData("fffffffc")] // The end-of-string symbol itself.
    [InlineData("18")] // 'a' and padding that is not ones.
    public void Rfc7541_5_2_wrong_padding_and_the_end_of_string_symbol_are_errors(string code)
    {
        byte[] octets = Convert.FromHexString(code);
        Assert.Equal(-1, HuffmanCode.Decode(octets, new byte[64]));
        Assert.Equal("broken", Decode(new HpackDecoder(4096), $"000161{0x80 | octets.Length:x2}{code}"));
    }

    [Fact]
    public void Random_text_survives_the_huffman_code_and_random_code_never_reads_out_of_bounds()
    {
        var random = new Random(7);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] text = new byte[random.Next(60)];
            if (i % 2 == 0) random.NextBytes(text);
            else for (int j = 0; j < text.Length; j++) text[j] = (byte)random.Next(32, 127);
            byte[] code = new byte[HuffmanCode.EncodedOctets(text)];
            HuffmanCode.Encode(text, code);
            byte[] back = new byte[HuffmanCode.MaxDecodedOctets(code.Length)];
            Assert.Equal(text, back[..HuffmanCode.Decode(code, back)]);

            // What is random decodes to nothing, or to a text that encodes to the same.
            byte[] noise = new byte[random.Next(40)];
            random.NextBytes(noise);
            byte[] target = new byte[HuffmanCode.MaxDecodedOctets(noise.Length)];
            int length = HuffmanCode.Decode(noise, target);
            if (length < 0) continue;
            byte[] again = new byte[HuffmanCode.EncodedOctets(target.AsSpan(0, length))];
            HuffmanCode.Encode(target.AsSpan(0, length), again);
            Assert.Equal(noise, again);
        }
    }

    [Theory]
    [InlineData("80", "Rfc7541_6_1_index_zero")]
    [InlineData("be", "Rfc7541_2_3_3_index_beyond_both_tables")]
    [InlineData("7e00", "Rfc7541_2_3_3_name_that_is_not_in_the_table")]
    [InlineData("4003612d", "Rfc7541_5_2_string_that_goes_on_beyond_the_block")]
    [InlineData("40", "Rfc7541_6_2_1_name_that_is_missing")]
    [InlineData("400161", "Rfc7541_6_2_1_value_that_is_missing")]
    [InlineData("3fe21f", "Rfc7541_6_3_size_update_above_the_limit")]
    [InlineData("8220", "Rfc7541_4_2_size_update_after_a_field")]
    [InlineData("82ff", "Rfc7541_5_1_integer_that_goes_on_beyond_the_block")]
    public void Malformed_block_breaks_the_decoder(string block, string why)
    {
        Assert.EndsWith("broken", Decode(new HpackDecoder(4096), block), StringComparison.Ordinal);
        Assert.NotEmpty(why);
    }

    [Fact]
    public void Rfc7541_4_2_two_size_updates_at_the_beginning_are_accepted_and_the_table_emptied()
    {
        var decoder = new HpackDecoder(4096);
        Decode(decoder, "400161" + "0162");
        Assert.Equal(34, decoder.Table.Size);
        Assert.Equal(":method: GET", Decode(decoder, "203fe11f82"));
        Assert.Equal(0, decoder.Table.Size);
        Assert.Equal(4096, decoder.Table.MaxSize);
    }

    [Fact]
    public void Rfc7541_4_2_encoder_that_ignores_a_smaller_limit_is_an_error()
    {
        var decoder = new HpackDecoder(4096);
        decoder.ChangeLimit(100);
        Assert.Equal("broken", Decode(decoder, "82"));

        decoder = new HpackDecoder(4096);
        decoder.ChangeLimit(100);
        Assert.Equal(":method: GET", Decode(decoder, "3f4582"));
    }

    [Fact]
    public void Rfc7541_4_4_entry_larger_than_the_table_empties_it_and_is_no_error()
    {
        var decoder = new HpackDecoder(40);
        Assert.Equal("a: b", Decode(decoder, "4001610162"));
        Assert.Equal(34, decoder.Table.Size);
        Assert.Equal($"a: {new string('x', 100)}", Decode(decoder, "40016164" + string.Concat(Enumerable.Repeat("78", 100))));
        Assert.Equal(0, decoder.Table.Count);
    }

    [Fact]
    public void Rfc7541_4_4_name_of_an_entry_that_its_own_addition_evicts_is_still_used()
    {
        var decoder = new HpackDecoder(100);
        string name = new('n', 30);
        Decode(decoder, "401e" + Convert.ToHexString(Encoding.ASCII.GetBytes(name)) + "0161");
        Assert.Equal($"{name}: {new string('v', 30)}", Decode(decoder, "7e1e" + string.Concat(Enumerable.Repeat("76", 30))));
        Assert.Equal(1, decoder.Table.Count);
        Assert.Equal($"{name}: {new string('v', 30)}", Decode(decoder, "be"));
    }

    [Fact]
    public void Encoder_and_decoder_agree_over_many_blocks_while_the_table_changes_its_size()
    {
        var random = new Random(3);
        foreach (bool huffman in (bool[])[false, true])
        {
            var encoder = new HpackEncoder(4096, huffman);
            var decoder = new HpackDecoder(4096);
            byte[] buffer = new byte[64 * 1024];
            for (int i = 0; i < 5000; i++)
            {
                if (random.Next(50) == 0)
                {
                    int limit = random.Next(3) switch { 0 => 0, 1 => random.Next(4096), _ => 4096 };
                    encoder.ChangeLimit(limit);
                    decoder.ChangeLimit(limit);
                }

                var expected = new StringBuilder();
                int at = encoder.Begin(buffer);
                for (int n = random.Next(12); n >= 0; n--)
                {
                    var id = (KnownHeader)random.Next(KnownHeaders.Count);
                    string name = id == KnownHeader.None ? $"X-{random.Next(20)}" : Reading.Text(KnownHeaders.NameOf(id));
                    string value = random.Next(4) == 0 ? Guid.NewGuid().ToString() : $"value-{random.Next(6)}";
                    bool secret = random.Next(10) == 0;
                    at += encoder.WriteField(buffer.AsSpan(at), id, Reading.Bytes(name), Reading.Bytes(value), secret);
                    bool isNever = secret || id is KnownHeader.Authorization or KnownHeader.ProxyAuthorization or KnownHeader.Cookie or KnownHeader.SetCookie;
                    if (expected.Length > 0) expected.Append('|');
                    expected.Append($"{name.ToLowerInvariant()}: {value}{(isNever ? " (never indexed)" : "")}");
                }

                Assert.Equal(expected.ToString(), Decode(decoder, Convert.ToHexString(buffer.AsSpan(0, at))));
                Assert.Equal(encoder.Table.Size, decoder.Table.Size);
                Assert.InRange(decoder.Table.ResidentBytes, 0, 16 * 1024);
            }
        }
    }

    [Fact]
    public void Repeated_head_costs_an_octet_for_each_field_that_is_worth_a_place()
    {
        var encoder = new HpackEncoder(4096, huffman: false);
        byte[] buffer = new byte[1024];
        int first = Write();
        int second = Write();
        Assert.True(first > 60);
        Assert.Equal(4, second);

        int Write()
        {
            int at = encoder.Begin(buffer);
            at += HpackEncoder.WriteStatus(buffer.AsSpan(at), 200);
            at += encoder.WriteField(buffer.AsSpan(at), KnownHeader.ContentType, default, "application/grpc"u8, isNeverIndexed: false);
            at += encoder.WriteField(buffer.AsSpan(at), KnownHeader.Server, default, "istio-envoy"u8, isNeverIndexed: false);
            at += encoder.WriteField(buffer.AsSpan(at), KnownHeader.XEnvoyDecoratorOperation, default, "reviews.bookshop.svc:9080/*"u8, isNeverIndexed: false);
            return at;
        }
    }

    [Fact]
    public void Rfc7541_7_1_credentials_and_cookies_are_never_indexed()
    {
        var encoder = new HpackEncoder(4096, huffman: false);
        byte[] buffer = new byte[1024];
        foreach (KnownHeader id in (KnownHeader[])[KnownHeader.Authorization, KnownHeader.ProxyAuthorization, KnownHeader.Cookie, KnownHeader.SetCookie])
        {
            int written = encoder.WriteField(buffer, id, default, "secret"u8, isNeverIndexed: false);
            Assert.EndsWith("(never indexed)", Decode(new HpackDecoder(4096), Convert.ToHexString(buffer.AsSpan(0, written))), StringComparison.Ordinal);
        }

        Assert.Equal(0, encoder.Table.Count);
    }

    [Fact]
    public void Random_blocks_never_crash_the_decoder_and_its_table_stays_within_its_size()
    {
        var random = new Random(11);
        for (int i = 0; i < 20_000; i++)
        {
            var decoder = new HpackDecoder(random.Next(3) * 100);
            for (int n = 0; n < 4 && !decoder.IsBroken; n++)
            {
                byte[] block = new byte[random.Next(1, 80)];
                random.NextBytes(block);
                if (i % 2 == 0) for (int j = 0; j < block.Length; j += random.Next(1, 5)) block[j] = (byte)(random.Next(2) == 0 ? 0x82 : 0x41);
                Decode(decoder, Convert.ToHexString(block));
                Assert.InRange(decoder.Table.Size, 0, 200);
            }
        }
    }

    private static string Decode(HpackDecoder decoder, string hex)
    {
        ReadOnlySpan<byte> block = Convert.FromHexString(hex);
        var fields = new List<string>();
        decoder.Begin();
        while (decoder.TryRead(ref block, out HpackField field))
            fields.Add($"{Reading.Text(field.Name)}: {Reading.Text(field.Value)}{(field.IsNeverIndexed ? " (never indexed)" : "")}");
        decoder.End();
        if (decoder.IsBroken) fields.Add("broken");
        return string.Join('|', fields);
    }
}
