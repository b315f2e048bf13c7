using System.Collections.Immutable;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Xds;
using Lateen.Xds.Schema;
using Lateen.Xds.Wire;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// The first step of every compiler that guards something: the message of an extension, parsed strictly. What is not understood in it is refused, also where it
/// came over xDS: a rule of which a part is passed over is another rule, and a condition that is ignored allows what it was to forbid.
/// </summary>
internal static class ExtensionMessages
{
    /// <param name="knownElsewhere">Names of fields that exist in Envoy and not here, by their message and number; null: none is worth a name.</param>
    /// <param name="isJudgedLater">What the compiler itself decides about, such as a type that may be passed over where the configuration says so; null: nothing.</param>
    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static TMessage? TryParse<TMessage>(
        MessageParser<TMessage> parser, Any configuration, FieldPath path, ConfigurationErrors errors,
        IReadOnlyDictionary<(string Type, int Number), string>? knownElsewhere = null, Predicate<UnknownField>? isJudgedLater = null)
        where TMessage : class, IMessage<TMessage>
    {
        TMessage message;
        try
        {
            message = parser.ParseFrom(configuration.Value);
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(path, $"is not a valid message: {fault.Message}");
            return null;
        }

        return !XdsTypeRegistry.Default.TryFind(configuration.TypeUrl, out MessageSchema? type) || CheckKnown(type, configuration.Value.Span, path, errors, knownElsewhere, isJudgedLater) ? message : null;
    }

    /// <summary>Reports everything in a message that is not understood.</summary>
    /// <returns>True when there is no such thing.</returns>
    public static bool CheckKnown(
        MessageSchema type, ReadOnlySpan<byte> bytes, FieldPath path, ConfigurationErrors errors,
        IReadOnlyDictionary<(string Type, int Number), string>? knownElsewhere = null, Predicate<UnknownField>? isJudgedLater = null)
    {
        ImmutableArray<UnknownField> unknown = UnknownFields.Find(type, bytes, judge: UnservedFields.Judge);
        if (isJudgedLater is not null) unknown = unknown.RemoveAll(isJudgedLater);
        foreach (UnknownField field in unknown)
        {
            FieldPath place = field.Path.Length == 0 ? path : path.Field(field.Path);
            string what = field.FieldNumber == 0 ? $"the type '{field.TypeName}'" : $"field number {field.FieldNumber} of {field.TypeName}";
            if (field.Reason is not null) errors.Add(place, field.Reason);
            else if (knownElsewhere is not null && knownElsewhere.TryGetValue((field.TypeName, field.FieldNumber), out string? name)) errors.Add(place.Field(name), "is not supported");
            else errors.Add(place, $"{what} is not supported");
        }

        return unknown.IsEmpty;
    }
}
