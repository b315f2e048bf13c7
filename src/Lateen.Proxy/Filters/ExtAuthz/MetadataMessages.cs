using System.Text;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Filters.Metadata;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>Dynamic metadata as messages, and back.</summary>
internal static class MetadataMessages
{
    public static Struct ToStruct(MetadataValue value)
    {
        var made = new Struct();
        for (MetadataValue one = value.First; !one.IsMissing; one = one.Next) made.Fields[Encoding.UTF8.GetString(one.Key)] = ToValue(one);
        return made;
    }

    /// <summary>Puts the fields of a message into a struct. Depth and size are bounded by the store.</summary>
    public static void Read(Struct message, MetadataValue target)
    {
        foreach ((string name, Value value) in message.Fields)
        {
            byte[] key = Encoding.UTF8.GetBytes(name);
            switch (value.KindCase)
            {
                case Value.KindOneofCase.StringValue: target.Set(key, Encoding.UTF8.GetBytes(value.StringValue)); break;
                case Value.KindOneofCase.NumberValue: target.Set(key, value.NumberValue); break;
                case Value.KindOneofCase.BoolValue: target.Set(key, value.BoolValue); break;
                case Value.KindOneofCase.StructValue: Read(value.StructValue, target.SetStruct(key)); break;
                case Value.KindOneofCase.ListValue: Read(value.ListValue, target.SetList(key)); break;
                default: target.SetNull(key); break;
            }
        }
    }

    private static void Read(ListValue list, MetadataValue target)
    {
        foreach (Value value in list.Values)
        {
            switch (value.KindCase)
            {
                case Value.KindOneofCase.StringValue: target.Add(Encoding.UTF8.GetBytes(value.StringValue)); break;
                case Value.KindOneofCase.NumberValue: target.Add(value.NumberValue); break;
                case Value.KindOneofCase.BoolValue: target.Add(value.BoolValue); break;
                case Value.KindOneofCase.StructValue: Read(value.StructValue, target.AddStruct()); break;
                case Value.KindOneofCase.ListValue: Read(value.ListValue, target.AddList()); break;
                default: target.AddNull(); break;
            }
        }
    }

    private static Value ToValue(MetadataValue value)
    {
        switch (value.Kind)
        {
            case MetadataKind.Text: return Value.ForString(Encoding.UTF8.GetString(value.Text));
            case MetadataKind.Number: return Value.ForNumber(value.Number);
            case MetadataKind.Bool: return Value.ForBool(value.IsTrue);
            case MetadataKind.Struct: return Value.ForStruct(ToStruct(value));
            case MetadataKind.List:
                var list = new ListValue();
                for (MetadataValue one = value.First; !one.IsMissing; one = one.Next) list.Values.Add(ToValue(one));
                return new Value { ListValue = list };
            default: return Value.ForNull();
        }
    }
}
