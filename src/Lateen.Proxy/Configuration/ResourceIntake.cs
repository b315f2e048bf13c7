using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Identity;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tls;
using Lateen.Xds;
using Lateen.Xds.Schema;

namespace Lateen.Proxy.Configuration;

/// <summary>Takes single resources into the stores: parses, compiles, and refuses each one that is not good, by itself.</summary>
/// <remarks>Configuration thread only.</remarks>
internal sealed class ResourceIntake(
    ResourceStores stores, SubscriptionLedger subscriptions, ConfigurationLedgers ledgers, ExtensionCatalog extensions, RouteTableCompiler compiler,
    TlsScope tls)
{
    private readonly ClusterStore _clusters = stores.Clusters;
    private readonly RouteStore _routes = stores.Routes;
    private readonly ListenerStore _listeners = stores.Listeners;

    /// <summary>Finds and tells what resources ask for that is not served here.</summary>
    public ReceivedFields Fields { get; init; } = new();

    /// <summary>Asked whether a received listener can listen: null, or why not.</summary>
    public Func<ListenerSnapshot, string?>? RefuseListener { get; init; }

    public void TakeStatic(Envoy.Config.Bootstrap.V3.Bootstrap.Types.StaticResources resources)
    {
        // What the loader found good is compiled again here: it compiled against nothing, this compiles into the stores.
        var errors = new ConfigurationErrors();
        foreach (var secret in resources.Secrets)
        {
            ledgers.Secrets.Accepted(secret.Name, string.Empty, SecretRedaction.Of(secret.ToByteString(), XdsTypeUrls.Secret), isStatic: true);
            ledgers.Secrets.Activated(secret.Name);
            stores.Secrets.AcceptStatic(secret, FieldPath.Root, errors);
        }

        foreach (var cluster in resources.Clusters)
        {
            if (ClusterCompiler.Compile(cluster, FieldPath.Root, tls, errors) is not { } definition) continue;
            ledgers.Clusters.Accepted(definition.Name, string.Empty, cluster.ToByteString(), isStatic: true);
            _clusters.Accept(definition, isStatic: true);
        }

        foreach (var listener in resources.Listeners)
        {
            if (new ListenerCompiler(extensions, compiler, tls, errors).Compile(listener, isStatic: true, FieldPath.Root) is not { } compiled) continue;
            ledgers.Listeners.Accepted(compiled.Name, string.Empty, listener.ToByteString(), isStatic: true);
            _listeners.Accept(compiled);
            TakeInlineRoutes(listener);
        }

        System.Diagnostics.Debug.Assert(!errors.Any, "the loader accepted a bootstrap that does not compile");
        foreach (var warning in errors.Warnings) Fields.OnWarning?.Invoke($"static resources: {warning}");
    }

    /// <returns>Why the resource is refused; null when it is taken.</returns>
    public string? Take(string typeUrl, XdsResource resource)
    {
        // What was given up while it was under way concerns nobody.
        if (!XdsTypeUrls.IsWildcardType(typeUrl) && !subscriptions.IsNeeded(typeUrl, resource.Name)) return null;

        var errors = new ConfigurationErrors();
        var passedOver = Fields.Find(typeUrl, resource, typeUrl == XdsTypeUrls.RouteConfiguration ? _routes.LatestOf(resource.Name) : null, errors);
        try
        {
            if (!errors.Any) Take(typeUrl, resource, errors);
        }
        catch (InvalidProtocolBufferException fault)
        {
            errors.Add(string.Empty, $"is not a valid message: {fault.Message}");
        }

        if (!errors.Any)
        {
            Fields.Tell(typeUrl, resource.Name, passedOver);
            foreach (var warning in errors.Warnings) Fields.OnWarning?.Invoke($"{XdsTypeUrls.ShortName(typeUrl)} {resource.Name}: {warning}");
            return null;
        }

        var reason = string.Join("; ", errors.All);
        // A refused secret is not shown: what is malformed cannot be redacted.
        ledgers.Of(typeUrl).Refused(resource.Name, resource.Version, typeUrl == XdsTypeUrls.Secret ? ByteString.Empty : resource.Body, reason);
        return reason;
    }

    public void Remove(string typeUrl, string name)
    {
        switch (typeUrl)
        {
            case XdsTypeUrls.Cluster: _clusters.Remove(name); break;
            case XdsTypeUrls.Listener: _listeners.Remove(name); break;
            case XdsTypeUrls.RouteConfiguration: _routes.SetAbsent(name); break;
            case XdsTypeUrls.ClusterLoadAssignment: _clusters.SetAssignment(name, null); break;
            case XdsTypeUrls.Secret: stores.Secrets.SetAbsent(name); break;
        }
    }

    private void Take(string typeUrl, XdsResource resource, ConfigurationErrors errors)
    {
        switch (typeUrl)
        {
            case XdsTypeUrls.Cluster: TakeCluster(resource, errors); break;
            case XdsTypeUrls.Listener: TakeListener(resource, errors); break;
            case XdsTypeUrls.RouteConfiguration:
                if (_routes.TryAccept(resource.Name, resource.Body, _clusters.Exists, errors))
                    ledgers.Routes.Accepted(resource.Name, resource.Version, resource.Body);
                break;
            case XdsTypeUrls.ClusterLoadAssignment: TakeAssignment(resource, errors); break;
            case XdsTypeUrls.Secret: TakeSecret(resource, errors); break;
            default: errors.Add(string.Empty, $"the type '{typeUrl}' is not supported"); break;
        }
    }

    private void TakeCluster(XdsResource resource, ConfigurationErrors errors)
    {
        var cluster = resource.Parse(Cluster.Parser);
        var definition = ClusterCompiler.Compile(cluster, FieldPath.Root, tls, errors);
        if (cluster.Name != resource.Name) errors.Add("name", $"is '{cluster.Name}', but the resource is '{resource.Name}'");
        if (_clusters.IsStatic(resource.Name)) errors.Add("name", "there is a static cluster of this name, which stays");
        if (definition is null || errors.Any) return;
        ledgers.Clusters.Accepted(resource.Name, resource.Version, resource.Body);
        _clusters.Accept(definition, isStatic: false);
    }

    private void TakeListener(XdsResource resource, ConfigurationErrors errors)
    {
        var listener = resource.Parse(Listener.Parser);
        var compiled = new ListenerCompiler(extensions, compiler, tls, errors).Compile(listener, isStatic: false, FieldPath.Root);
        if (listener.Name != resource.Name) errors.Add("name", $"is '{listener.Name}', but the resource is '{resource.Name}'");
        if (_listeners.IsStatic(resource.Name)) errors.Add("name", "there is a static listener of this name, which stays");
        if (compiled is null || errors.Any) return;
        if (RefuseListener?.Invoke(compiled) is { } refusal)
        {
            errors.Add("address", refusal);
            return;
        }

        ledgers.Listeners.Accepted(resource.Name, resource.Version, resource.Body);
        _listeners.Accept(compiled);
    }

    private void TakeSecret(XdsResource resource, ConfigurationErrors errors)
    {
        var secret = resource.Parse(Secret.Parser);
        ExtensionMessages.CheckKnown(ProtoSchema.Default.Get("envoy.extensions.transport_sockets.tls.v3.Secret"), resource.Body.Span, FieldPath.Root, errors, TransportSockets.KnownElsewhere);
        if (secret.Name != resource.Name) errors.Add("name", $"is '{secret.Name}', but the resource is '{resource.Name}'");
        if (errors.Any || !stores.Secrets.TryAccept(resource.Name, secret, errors)) return;
        if (stores.Identity.IsOpen && resource.Name == IdentitySecrets.Roots)
        {
            stores.Identity.TakeRoots(secret, errors);
            return;
        }

        ledgers.Secrets.Accepted(resource.Name, resource.Version, SecretRedaction.Of(secret.ToByteString(), XdsTypeUrls.Secret));
        ledgers.Secrets.Activated(resource.Name);
    }

    private void TakeAssignment(XdsResource resource, ConfigurationErrors errors)
    {
        var assignment = resource.Parse(ClusterLoadAssignment.Parser);
        var compiled = AssignmentCompiler.Compile(assignment, allowsNames: false, FieldPath.Root, errors);
        if (assignment.ClusterName != resource.Name) errors.Add("cluster_name", $"is '{assignment.ClusterName}', but the resource is '{resource.Name}'");
        if (compiled is null || errors.Any) return;
        ledgers.Endpoints.Accepted(resource.Name, resource.Version, resource.Body);
        ledgers.Endpoints.Activated(resource.Name);
        _clusters.SetAssignment(resource.Name, compiled);
    }

    // Routes that stand inside static listeners are listed with the routes, as Envoy lists them.
    private void TakeInlineRoutes(Listener listener)
    {
        foreach (var chain in listener.FilterChains.Append(listener.DefaultFilterChain).OfType<FilterChain>())
        {
            foreach (var filter in chain.Filters)
            {
                if (XdsTypeRegistry.TypeNameOf(filter.TypedConfig?.TypeUrl ?? string.Empty) != ListenerCompiler.HttpConnectionManagerName) continue;
                var manager = HttpConnectionManager.Parser.ParseFrom(filter.TypedConfig!.Value);
                if (manager.RouteConfig is not { } routeConfig) continue;
                var name = routeConfig.Name.Length > 0 ? routeConfig.Name : listener.Name;
                ledgers.Routes.Accepted(name, string.Empty, routeConfig.ToByteString(), isStatic: true);
                ledgers.Routes.Activated(name);
            }
        }
    }
}

/// <summary>The stores that resources go into.</summary>
internal sealed record ResourceStores(ClusterStore Clusters, RouteStore Routes, ListenerStore Listeners, SecretStore Secrets, IdentityStore Identity);
