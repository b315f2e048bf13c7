using System.Collections.Immutable;
using Google.Protobuf;

namespace Lateen.Xds.Text;

/// <summary>What reads and writes messages, for tests: those have protobuf's descriptors for the asking, which the product does without, and need not say names.</summary>
internal static class DescribedText
{
    extension(ProtoYamlReader)
    {
        public static T? ReadText<T>(string text, out ImmutableArray<ProtoFault> faults)
            where T : class, IMessage<T>, new() => ProtoYamlReader.ReadText<T>(new T().Descriptor.FullName, text, out faults);
    }

    extension(ProtoJson json)
    {
        public string WriteJson(IMessage message, bool indented = true) => json.WriteJson(message.Descriptor.FullName, message, indented);

        public string WriteYaml(IMessage message) => json.WriteYaml(message.Descriptor.FullName, message);

        public Lateen.Yaml.YamlNode ToNode(IMessage message) => json.ToNode(message.Descriptor.FullName, message);
    }
}
