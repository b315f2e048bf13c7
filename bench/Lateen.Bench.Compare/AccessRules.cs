using System.Text;

namespace Lateen.Bench.Compare;

/// <summary>A hundred access rules as a mesh has them, one for each caller of a service. The load's caller is the one in the middle, and may ask for all that the load asks for.</summary>
internal static class AccessRules
{
    private const int Count = 100;

    /// <summary>The identity in the certificate of the run.</summary>
    internal const string Caller = "spiffe://cluster.local/ns/bench/sa/caller-50";

    /// <summary>An HTTP filter, as it stands among the filters of bench/peers/mtls/lateen.yaml.</summary>
    internal static string Filter { get; } = Write();

    private static string Write()
    {
        var text = new StringBuilder("""
                      - name: envoy.filters.http.rbac
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                          rules:
                            action: ALLOW
                            policies:

            """);
        for (var number = 0; number < Count; number++)
        {
            text.Append($$"""
                                  ns[bench]-policy[caller-{{number:00}}]-rule[0]:
                                    permissions:
                                    - and_rules:
                                        rules:
                                        - or_rules: { rules: [{ header: { name: ":method", string_match: { exact: GET } } }, { header: { name: ":method", string_match: { exact: HEAD } } }] }
                                        - or_rules: { rules: [{ url_path: { path: { prefix: /catalog/ } } }, { url_path: { path: { prefix: /orders/ } } },
                                                              { url_path: { path: { prefix: /users/ } } }, { url_path: { path: { prefix: /reviews/ } } }] }
                                    principals:
                                    - and_ids: { ids: [{ or_ids: { ids: [{ authenticated: { principal_name: { exact: "spiffe://cluster.local/ns/bench/sa/caller-{{number:00}}" } } }] } }] }

                """);
        }

        return text.ToString();
    }
}
