using Envoy.Admin.V3;
using Lateen.Xds.Text;

namespace Lateen.Proxy.Admin;

/// <summary><c>/listeners</c>: the addresses that are really bound, <c>name::127.0.0.1:8080</c> or JSON.</summary>
internal static class ListenersPage
{
    public static AdminPage Create(AdminContext context) =>
        new("/listeners", "print listener info (format=text|json)", false, (request, response) => Answer(context.Lifecycle, request, response));

    private static void Answer(IProxyLifecycle lifecycle, AdminRequest request, AdminResponse response)
    {
        if (request["format"] != "json")
        {
            foreach (var (name, address) in lifecycle.BoundAddresses) response.Write($"{name}::{address}\n");
            return;
        }

        var listeners = new Envoy.Admin.V3.Listeners();
        foreach (var (name, address) in lifecycle.BoundAddresses)
            listeners.ListenerStatuses.Add(new ListenerStatus { Name = name, LocalAddress = AddressProto.Of(address) });
        response.ContentType = AdminResponse.Json;
        response.Write(ProtoJson.Default.WriteJson("envoy.admin.v3.Listeners", listeners));
        response.Write("\n");
    }
}
