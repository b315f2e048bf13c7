using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Lateen.Proxy.Tests.Configuration;

/// <summary>Which getters the methods of one assembly call, from its IL.</summary>
internal sealed class FieldReaders
{
    private readonly HashSet<(string Type, string Getter)> _called = [];

    private FieldReaders()
    {
    }

    public static FieldReaders Of(Assembly assembly)
    {
        var readers = new FieldReaders();
        using var file = new PEReader(File.OpenRead(assembly.Location));
        var metadata = file.GetMetadataReader();
        foreach (var handle in metadata.MethodDefinitions)
        {
            var method = metadata.GetMethodDefinition(handle);

            // A record prints and compares all it has: that is not reading.
            var isWritten = metadata.GetString(method.Name) is not ("PrintMembers" or "ToString" or "Equals" or "GetHashCode");
            if (!isWritten || method.RelativeVirtualAddress == 0) continue;
            foreach (var token in CallsIn(file.GetMethodBody(method.RelativeVirtualAddress).GetILBytes()!)) readers.Add(metadata, token);
        }

        return readers;
    }

    public bool Reads(Type type, PropertyInfo property) => _called.Contains((FullNameOf(type), "get_" + property.Name));

    private static string FullNameOf(Type type) => type.DeclaringType is { } outer ? $"{FullNameOf(outer)}.{type.Name}" : $"{type.Namespace}.{type.Name}";

    // Every place where a call's opcode and a token might stand is taken for one: too many are found rather than too few.
    private static IEnumerable<EntityHandle> CallsIn(byte[] il)
    {
        for (var i = 0; i + 4 < il.Length; i++)
        {
            if (il[i] != (byte)OpCodes.Call.Value && il[i] != (byte)OpCodes.Callvirt.Value) continue;
            var token = BitConverter.ToInt32(il, i + 1);
            if ((token >>> 24) is 0x06 or 0x0A or 0x2B) yield return MetadataTokens.EntityHandle(token);
        }
    }

    private void Add(MetadataReader metadata, EntityHandle handle)
    {
        var row = MetadataTokens.GetRowNumber(handle);
        if (row < 1 || row > metadata.GetTableRowCount(handle.Kind == HandleKind.MethodDefinition ? TableIndex.MethodDef : handle.Kind == HandleKind.MemberReference ? TableIndex.MemberRef : TableIndex.MethodSpec)) return;
        switch (handle.Kind)
        {
            case HandleKind.MethodDefinition:
                var own = metadata.GetMethodDefinition((MethodDefinitionHandle)handle);
                _called.Add((NameOf(metadata, own.GetDeclaringType()), metadata.GetString(own.Name)));
                break;
            case HandleKind.MemberReference:
                var foreign = metadata.GetMemberReference((MemberReferenceHandle)handle);
                if (foreign.Parent.Kind == HandleKind.TypeReference) _called.Add((NameOf(metadata, (TypeReferenceHandle)foreign.Parent), metadata.GetString(foreign.Name)));
                break;
        }
    }

    private static string NameOf(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        var name = metadata.GetString(type.Name);
        return type.GetDeclaringType() is { IsNil: false } outer ? $"{NameOf(metadata, outer)}.{name}" : $"{metadata.GetString(type.Namespace)}.{name}";
    }

    private static string NameOf(MetadataReader metadata, TypeReferenceHandle handle)
    {
        var type = metadata.GetTypeReference(handle);
        var name = metadata.GetString(type.Name);
        return type.ResolutionScope.Kind == HandleKind.TypeReference ? $"{NameOf(metadata, (TypeReferenceHandle)type.ResolutionScope)}.{name}" : $"{metadata.GetString(type.Namespace)}.{name}";
    }
}
