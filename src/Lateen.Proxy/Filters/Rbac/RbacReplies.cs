using System.Text;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>What denied requests are answered, and what the access log is told of them.</summary>
internal static class RbacReplies
{
    private static readonly byte[] Body = "RBAC: access denied"u8.ToArray();
    private static readonly byte[] CommonNamespace = "envoy.common"u8.ToArray();
    private static readonly byte[] LogHint = "access_log_hint"u8.ToArray();

    /// <summary>A shadow verdict could not be left for the filters behind.</summary>
    public static LocalReply NoRoom { get; } = new() { Status = 403, Body = Body, Details = "rbac_metadata_overflow" };

    /// <summary>The answer where a policy denies; null: because none allows.</summary>
    public static LocalReply Denied(string? policy) => new() { Status = 403, Body = Body, Details = DetailsOf(policy) };

    /// <summary>As Envoy words it; spaces would break lines of logs into other fields.</summary>
    public static string DetailsOf(string? policy)
    {
        var name = new StringBuilder(policy ?? "none");
        for (int i = 0; i < name.Length; i++)
        {
            if (char.IsWhiteSpace(name[i]) || char.IsControl(name[i])) name[i] = '_';
        }

        return $"rbac_access_denied_matched_policy[{name}]";
    }

    /// <summary>Tells the access log whether a rule asks for this exchange to be written down.</summary>
    public static void LeaveLogHint(DynamicMetadata metadata, in RbacVerdict verdict) =>
        metadata.Open(CommonNamespace).Set(LogHint, verdict.Policy >= 0);
}
