using Envoy.Config.Core.V3;
using Google.Protobuf.Collections;
using Lateen.Model;
using Lateen.Model.Networking;

namespace Lateen.Translation.Routing;

/// <summary>
/// Header operations of a VirtualService in Envoy's terms. Setting or adding <c>host</c> or <c>:authority</c> is a host rewrite in Envoy, so those two
/// come out as <see cref="Authority"/>. Operations are in name order: maps have no other order to keep, and output must not depend on chance.
/// </summary>
internal sealed class HeaderRules
{
    private readonly List<HeaderValueOption> _requestAdds = [];
    private readonly List<string> _requestRemoves = [];
    private readonly List<HeaderValueOption> _responseAdds = [];
    private readonly List<string> _responseRemoves = [];

    /// <summary>The authority that requests leave with; null when the operations leave it alone.</summary>
    public string? Authority { get; private set; }

    public HeaderRules Include(Headers? headers)
    {
        if (headers?.Request is { } request)
        {
            Adds(request.Set, HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd, _requestAdds, isRequest: true);
            Adds(request.Add, HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd, _requestAdds, isRequest: true);
            _requestRemoves.AddRange(request.Remove);
        }

        if (headers?.Response is { } response)
        {
            Adds(response.Set, HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd, _responseAdds, isRequest: false);
            Adds(response.Add, HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd, _responseAdds, isRequest: false);
            _responseRemoves.AddRange(response.Remove);
        }

        return this;
    }

    private void Adds(StringMap<string> values, HeaderValueOption.Types.HeaderAppendAction action, List<HeaderValueOption> adds, bool isRequest)
    {
        foreach (var (name, value) in values)
        {
            if (isRequest && IsAuthority(name)) Authority = value;
            else adds.Add(new HeaderValueOption { Header = new HeaderValue { Key = name, Value = value }, AppendAction = action });
        }
    }

    private static bool IsAuthority(string name) =>
        name.Equals("host", StringComparison.OrdinalIgnoreCase) || name.Equals(":authority", StringComparison.OrdinalIgnoreCase);

    public void WriteTo(
        RepeatedField<HeaderValueOption> requestAdds, RepeatedField<string> requestRemoves,
        RepeatedField<HeaderValueOption> responseAdds, RepeatedField<string> responseRemoves)
    {
        requestAdds.AddRange(_requestAdds);
        requestRemoves.AddRange(_requestRemoves);
        responseAdds.AddRange(_responseAdds);
        responseRemoves.AddRange(_responseRemoves);
    }
}
