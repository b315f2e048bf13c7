using System.Text;
using Lateen.Xds.Wire;

namespace Lateen.Xds.Schema;

/// <summary>
/// What our .proto files say of each message: names, numbers and types of its fields. It is what reading YAML, writing JSON and looking for unknown
/// fields go by, all three on the wire's bytes.
/// </summary>
/// <remarks>
/// <para>Not protobuf's own descriptors: those come with accessors by reflection, for every message of every file as soon as one is asked for, and would be a tenth of a
/// proxy's memory for what it does once, at its start. Here a message is read out of the compiled files (a <c>FileDescriptorSet</c>, embedded) when it is asked for.</para>
/// <para>Immutable to those who ask; any thread.</para>
/// </remarks>
public sealed class ProtoSchema
{
    private const string ResourceName = "Lateen.Xds.schema.pb";

    private static readonly Lazy<ProtoSchema> Loaded = new(static () => new ProtoSchema(Embedded()));

    private readonly byte[] _files;
    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);
    private readonly Dictionary<string, MessageSchema> _messages = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EnumSchema> _enums = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    private ProtoSchema(byte[] files)
    {
        _files = files;
        var set = new WireReader(files);
        while (set.MoveNext())
        {
            // FileDescriptorSet: file = 1.
            if (set.FieldNumber == 1) IndexFile(set.Payload, set.PayloadStart);
        }
    }

    /// <summary>Our files and all that they import.</summary>
    public static ProtoSchema Default => Loaded.Value;

    /// <summary>Full names of all messages, such as <c>envoy.config.cluster.v3.Cluster</c>; maps' entries are among them.</summary>
    public IEnumerable<string> MessageNames => _places.Where(static place => !place.Value.IsEnum).Select(static place => place.Key);

    /// <summary>The message of that full name; null when there is none.</summary>
    public MessageSchema? Find(string fullName)
    {
        lock (_lock)
        {
            if (_messages.TryGetValue(fullName, out MessageSchema? known)) return known;
            if (!_places.TryGetValue(fullName, out Place place) || place.IsEnum) return null;
            var message = new MessageSchema(this, fullName, _files.AsSpan(place.Start, place.Length));
            _messages.Add(fullName, message);
            return message;
        }
    }

    /// <summary>The message of that full name, which is one of ours.</summary>
    /// <exception cref="ArgumentException">It is not.</exception>
    public MessageSchema Get(string fullName) => Find(fullName) ?? throw new ArgumentException($"no message {fullName} in our .proto files", nameof(fullName));

    internal EnumSchema GetEnum(string fullName)
    {
        lock (_lock)
        {
            if (_enums.TryGetValue(fullName, out EnumSchema? known)) return known;
            Place place = _places[fullName];
            var type = new EnumSchema(_files.AsSpan(place.Start, place.Length));
            _enums.Add(fullName, type);
            return type;
        }
    }

    private static byte[] Embedded()
    {
        using Stream stream = typeof(ProtoSchema).Assembly.GetManifestResourceStream(ResourceName)
            ?? throw new InvalidOperationException($"{ResourceName} is not embedded: the build of Lateen.Xds went wrong");
        byte[] files = new byte[stream.Length];
        stream.ReadExactly(files);
        return files;
    }

    /// <summary>FileDescriptorProto: package = 2, message_type = 4, enum_type = 5.</summary>
    private void IndexFile(ReadOnlySpan<byte> file, int start)
    {
        string package = string.Empty;
        var fields = new WireReader(file);
        while (fields.MoveNext())
        {
            if (fields.FieldNumber == 2) package = Encoding.UTF8.GetString(fields.Payload) + ".";
        }

        fields = new WireReader(file);
        while (fields.MoveNext())
        {
            if (fields.FieldNumber is 4 or 5) IndexType(package, fields.Payload, start + fields.PayloadStart, isEnum: fields.FieldNumber == 5);
        }
    }

    /// <summary>DescriptorProto and EnumDescriptorProto: name = 1; the first also: nested_type = 3, enum_type = 4.</summary>
    private void IndexType(string scope, ReadOnlySpan<byte> type, int start, bool isEnum)
    {
        string fullName = scope + WireReader.ReadName(type);
        _places.Add(fullName, new Place(start, type.Length, isEnum));
        if (isEnum) return;
        var fields = new WireReader(type);
        while (fields.MoveNext())
        {
            if (fields.FieldNumber is 3 or 4) IndexType(fullName + ".", fields.Payload, start + fields.PayloadStart, isEnum: fields.FieldNumber == 4);
        }
    }

    private readonly record struct Place(int Start, int Length, bool IsEnum);
}
