using System.Buffers.Binary;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tls;

/// <summary>Puts a definition and the content of its secrets together.</summary>
internal static class TlsContextMaker
{
    /// <summary>The kinds fit; else <paramref name="errors"/> says which does not.</summary>
    public static bool HasRightKinds(TlsContextDefinition definition, ReadOnlySpan<SecretContent> contents, ConfigurationErrors errors)
    {
        for (var i = 0; i < contents.Length; i++)
        {
            var source = definition.Sources[i];
            if (contents[i].Message.TypeCase == source.Kind) continue;
            errors.Add(source.Path, $"the secret '{source.Name}' is a {SecretKinds.NameOf(contents[i].Message.TypeCase)}, a {SecretKinds.NameOf(source.Kind)} is needed");
            return false;
        }

        return true;
    }

    public static List<TlsCertificateOptions> CertificatesOf(TlsContextDefinition definition, ReadOnlySpan<SecretContent> contents)
    {
        var certificates = new List<TlsCertificateOptions>(definition.CertificateCount);
        foreach (var content in contents[..definition.CertificateCount]) certificates.Add(TlsMaterial.Certificate(content.Message.TlsCertificate));
        return certificates;
    }

    /// <summary>The validation context with the default that it completes; null when there is none.</summary>
    public static CertificateValidationContext? ValidationOf(TlsContextDefinition definition, ReadOnlySpan<SecretContent> contents)
    {
        if (!definition.HasValidation) return null;
        var own = contents[^1].Message.ValidationContext;
        if (definition.DefaultValidation is not { } completed) return own;
        var merged = completed.Clone();
        merged.MergeFrom(own);
        return merged;
    }

    /// <summary>How peers are judged.</summary>
    /// <param name="definition">Of the context.</param>
    /// <param name="validation">Whole; null: not at all.</param>
    /// <param name="isServer">The peers are clients.</param>
    /// <param name="errors">Gets what is wrong.</param>
    public static TlsVerificationOptions VerificationOf(TlsContextDefinition definition, CertificateValidationContext? validation, bool isServer, ConfigurationErrors errors)
    {
        if (validation is null) return new TlsVerificationOptions();
        var options = TlsMaterial.Verification(validation, definition.Path.Field("validation_context"), errors);
        return definition.IsForMesh && options.VerifiesChain ? options with { RefusesNames = new MeshPeerRule(definition, isServer).Judge } : options;
    }

    /// <summary>The files that the secrets were read from, for messages; empty when there is none.</summary>
    public static string OriginOf(ReadOnlySpan<SecretContent> contents)
    {
        var origins = new List<string>(contents.Length);
        foreach (var content in contents)
        {
            if (content.Origin.Length > 0) origins.Add(content.Origin);
        }

        return string.Join(", ", origins);
    }

    /// <summary>A text that is equal when all of the messages are.</summary>
    public static string DigestOf(params ReadOnlySpan<IMessage?> messages)
    {
        var content = new MemoryStream();
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var message in messages)
        {
            var bytes = message?.ToByteArray() ?? [];
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            content.Write(length);
            content.Write(bytes);
        }

        Span<byte> hash = stackalloc byte[Sha256.Bytes];
        Sha256.Hash(content.GetBuffer().AsSpan(0, (int)content.Length), hash);
        return Convert.ToHexString(hash);
    }
}
