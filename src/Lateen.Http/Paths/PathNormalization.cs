namespace Lateen.Http;

/// <summary>Istio's <c>meshConfig.pathNormalization.normalization</c>. <c>DEFAULT</c> is <see cref="Base"/>, as in Istio.</summary>
public enum PathNormalization : byte
{
    /// <summary>The path is compared and forwarded as it came.</summary>
    None = 0,

    /// <summary>RFC 3986: dot segments removed, escapes of unreserved characters decoded; <c>\</c> becomes <c>/</c>.</summary>
    Base,

    /// <summary><see cref="Base"/>, then runs of slashes become one.</summary>
    MergeSlashes,

    /// <summary><c>%2F</c> and <c>%5C</c> are decoded first, then as <see cref="MergeSlashes"/>.</summary>
    DecodeAndMergeSlashes,
}
