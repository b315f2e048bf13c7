using System.Collections.Immutable;

namespace Lateen.Model;

/// <summary>What a diagnostic code stands for, as docs/configuration.md lists it.</summary>
public sealed record DiagnosticCode(string Code, DiagnosticSeverity Severity, string Meaning);

/// <summary>
/// Every code that configuration can draw. A code keeps its meaning for ever; a rule that goes leaves a hole in the numbers.
/// LAT01xx the document and its envelope, LAT02xx fields and values of any kind, LAT03xx VirtualService, LAT04xx DestinationRule,
/// LAT05xx Gateway, LAT06xx ServiceEntry and WorkloadEntry, LAT07xx Sidecar, LAT08xx core Service, EndpointSlice and Secret, LAT09xx MeshConfig
/// and the set of resources as a whole, LAT10xx AuthorizationPolicy, LAT11xx PeerAuthentication, LAT12xx RequestAuthentication, LAT13xx what
/// a running control plane says of what it holds. No other file writes a code: test/Lateen.Architecture.Tests holds that.
/// </summary>
public static class DiagnosticCodes
{
    // Order matters: static fields are initialised in textual order, and each code below adds itself to this list.
    private static readonly List<DiagnosticCode> Registered = [];

    public static readonly DiagnosticCode Syntax = Error("LAT0101", "the text is neither YAML nor JSON");
    public static readonly DiagnosticCode NotAResource = Error("LAT0102", "the document is not a Kubernetes-style mapping");
    public static readonly DiagnosticCode UnknownKind = Error("LAT0103", "no such kind in Istio or Kubernetes");
    public static readonly DiagnosticCode UnservedKind = Warning("LAT0104", "a kind that this release does not serve; the document is ignored");
    public static readonly DiagnosticCode UnknownApiVersion = Error("LAT0105", "the kind is not served in this apiVersion");
    public static readonly DiagnosticCode InvalidName = Error("LAT0106", "a resource or namespace name that Kubernetes would refuse");
    public static readonly DiagnosticCode ReservedAnnotation = Error("LAT0107", "an annotation that only the control plane may write");
    public static readonly DiagnosticCode DuplicateResource = Error("LAT0108", "the same kind, namespace and name is declared twice");
    public static readonly DiagnosticCode FileTooLarge = Error("LAT0109", "the file is larger than the limit");
    public static readonly DiagnosticCode TooManyFiles = Error("LAT0110", "the directory holds more files than the limit");
    public static readonly DiagnosticCode FileUnreadable = Error("LAT0111", "the file cannot be read");

    public static readonly DiagnosticCode UnknownField = Error("LAT0201", "the kind has no such field");
    public static readonly DiagnosticCode WrongType = Error("LAT0202", "the value is not of the field's type");

    /// <summary>Everything that this release parses and checks but does not act on yet.</summary>
    public static readonly DiagnosticCode NotInEffect = Warning("LAT0203", "the field is valid and not in effect yet in this release");

    public static readonly DiagnosticCode MissingField = Error("LAT0204", "a required field is missing or empty");
    public static readonly DiagnosticCode InvalidDuration = Error("LAT0205", "not a duration, or too short, or too fine");
    public static readonly DiagnosticCode InvalidRegex = Error("LAT0206", "not an RE2 expression, or one that cannot be run here");
    public static readonly DiagnosticCode InvalidHost = Error("LAT0207", "not a host name, wildcard or address where one is expected");
    public static readonly DiagnosticCode InvalidPort = Error("LAT0208", "not a port number");
    public static readonly DiagnosticCode InvalidWeight = Error("LAT0209", "weights that are negative, or whose sum is zero");
    public static readonly DiagnosticCode UnknownValue = Error("LAT0210", "not a value of the enumeration");
    public static readonly DiagnosticCode OutOfRange = Error("LAT0211", "a number outside its range");
    public static readonly DiagnosticCode ExclusiveFields = Error("LAT0212", "fields that exclude each other");
    public static readonly DiagnosticCode InvalidExportTo = Error("LAT0213", "exportTo that names no namespace, or one twice");
    public static readonly DiagnosticCode InvalidSelector = Error("LAT0214", "a selector with an empty name or a wildcard");
    public static readonly DiagnosticCode SelectsAll = Warning("LAT0215", "a selector without labels selects every workload");
    public static readonly DiagnosticCode InvalidLabel = Error("LAT0216", "a label that Kubernetes would refuse");
    public static readonly DiagnosticCode InvalidAddress = Error("LAT0217", "not an IP address, or not a CIDR block");
    public static readonly DiagnosticCode UnknownProtocol = Error("LAT0218", "not a protocol name");
    public static readonly DiagnosticCode DeprecatedField = Warning("LAT0219", "a field with a newer form");
    public static readonly DiagnosticCode InertField = Warning("LAT0220", "a field that never had an effect");
    public static readonly DiagnosticCode InvalidHeader = Error("LAT0221", "not a header name, or one that may not be used here");
    public static readonly DiagnosticCode InvalidLocality = Error("LAT0222", "not a locality region/zone/subzone");

    public static readonly DiagnosticCode NoRoutes = Error("LAT0301", "a VirtualService without routes");
    public static readonly DiagnosticCode InvalidDelegate = Error("LAT0302", "a delegate, or a rule that delegates, with fields that it may not have");
    public static readonly DiagnosticCode OverlappingHosts = Error("LAT0303", "hosts of one VirtualService that overlap");
    public static readonly DiagnosticCode WildcardOnMesh = Error("LAT0304", "'*' bound to every sidecar");
    public static readonly DiagnosticCode UnreachableRoute = Warning("LAT0305", "a route behind one that takes everything");
    public static readonly DiagnosticCode InvalidGatewayName = Error("LAT0306", "a gateway name of the wrong form");
    public static readonly DiagnosticCode LegacyGatewayName = Warning("LAT0307", "a gateway named by host name");
    public static readonly DiagnosticCode NoAction = Error("LAT0308", "a rule without an action");
    public static readonly DiagnosticCode ActionConflict = Error("LAT0309", "actions that exclude each other");
    public static readonly DiagnosticCode AuthorityConflict = Error("LAT0310", "the authority is rewritten in two places");
    public static readonly DiagnosticCode InvalidRedirect = Error("LAT0311", "a redirect that cannot be made");
    public static readonly DiagnosticCode InvalidSubset = Error("LAT0312", "a subset name of the wrong form");
    public static readonly DiagnosticCode EmptyMatch = Error("LAT0313", "a match of an empty value");
    public static readonly DiagnosticCode CaseOfRegex = Warning("LAT0314", "ignoreUriCase beside a regex");
    public static readonly DiagnosticCode BodyTooLarge = Error("LAT0315", "a direct response over 1 MiB");
    public static readonly DiagnosticCode BodyLarge = Warning("LAT0316", "a direct response over 100 KiB");
    public static readonly DiagnosticCode InvalidRetry = Error("LAT0317", "retries that contradict themselves, or an unknown condition");
    public static readonly DiagnosticCode InvalidFault = Error("LAT0318", "a fault that does nothing, or a share or status that does not exist");
    public static readonly DiagnosticCode InvalidCors = Error("LAT0319", "a CORS policy with an empty origin or an unknown method");
    public static readonly DiagnosticCode SniOutsideHosts = Error("LAT0320", "a server name outside the hosts");

    public static readonly DiagnosticCode EmptyPolicy = Error("LAT0401", "a policy block without content");
    public static readonly DiagnosticCode DuplicateSubset = Error("LAT0402", "two subsets of one name");
    public static readonly DiagnosticCode DuplicatePort = Error("LAT0403", "a port number or port name declared twice");
    public static readonly DiagnosticCode InvalidHash = Error("LAT0404", "a consistent hash without a key, or with a table that cannot be used");
    public static readonly DiagnosticCode InvalidWarmup = Error("LAT0405", "a warm-up for a balancer that cannot start endpoints slowly");
    public static readonly DiagnosticCode InvalidOutlier = Error("LAT0406", "outlier detection that counts nothing");
    public static readonly DiagnosticCode InvalidTls = Error("LAT0407", "TLS settings that contradict each other or lack something");
    public static readonly DiagnosticCode SelectorExported = Error("LAT0408", "a rule for chosen workloads exported to other namespaces");
    public static readonly DiagnosticCode ClientTlsSettingUnused = Warning("LAT0409", "a TLS setting towards a host that its mode makes nothing of");

    public static readonly DiagnosticCode NoServers = Error("LAT0501", "a Gateway without servers");
    public static readonly DiagnosticCode DuplicateServer = Error("LAT0502", "two servers of one name");
    public static readonly DiagnosticCode CipherSuite = Warning("LAT0503", "a cipher suite that is unknown, not offered, or written twice");
    public static readonly DiagnosticCode TlsVersionNotSpoken = Warning("LAT0504", "a version of TLS that proxies do not speak");
    public static readonly DiagnosticCode RootsUnused = Warning("LAT0505", "roots of a server that no client is verified with");
    public static readonly DiagnosticCode TlsSettingUnused = Warning("LAT0506", "a TLS setting of a server that its mode makes nothing of");

    public static readonly DiagnosticCode BareWildcard = Error("LAT0601", "a ServiceEntry for every host");
    public static readonly DiagnosticCode PartialWildcard = Warning("LAT0602", "a wildcard that cuts a label");
    public static readonly DiagnosticCode WildcardResolution = Error("LAT0603", "a wildcard host that is to be resolved");
    public static readonly DiagnosticCode InvalidDynamicDns = Error("LAT0604", "DYNAMIC_DNS with what it cannot have");
    public static readonly DiagnosticCode TargetPortUnused = Error("LAT0605", "targetPort with resolution NONE");
    public static readonly DiagnosticCode NoPorts = Warning("LAT0606", "a service without ports");
    public static readonly DiagnosticCode AmbiguousTcp = Error("LAT0607", "several hosts on one opaque TCP port without addresses");
    public static readonly DiagnosticCode EndpointResolution = Error("LAT0608", "endpoints that do not fit the resolution");
    public static readonly DiagnosticCode SelectorUnused = Warning("LAT0609", "workloadSelector with resolution NONE");
    public static readonly DiagnosticCode NoEndpoints = Warning("LAT0610", "resolution STATIC without endpoints");
    public static readonly DiagnosticCode EndpointPort = Error("LAT0611", "an endpoint port that the service does not declare");

    public static readonly DiagnosticCode EmptySidecar = Error("LAT0701", "a Sidecar without content");
    public static readonly DiagnosticCode PortlessEgress = Error("LAT0702", "an egress listener without a port that is not the last");
    public static readonly DiagnosticCode InvalidDefaultEndpoint = Error("LAT0703", "a defaultEndpoint that is not on this machine");
    public static readonly DiagnosticCode InvalidSidecarListener = Error("LAT0704", "a listener or egress proxy that lacks something");

    public static readonly DiagnosticCode InvalidSecretData = Error("LAT0801", "a Secret whose entries are not texts, or not base64");
    public static readonly DiagnosticCode IncompleteSecret = Error("LAT0802", "a certificate without its key, or a key without its certificate");
    public static readonly DiagnosticCode InvalidPem = Error("LAT0803", "a Secret's entry that is not the PEM which it should be");
    public static readonly DiagnosticCode KeyMismatch = Error("LAT0804", "a private key that belongs to another certificate");

    public static readonly DiagnosticCode UnknownHost = Warning("LAT0901", "a host that no visible service has");
    public static readonly DiagnosticCode UnknownPort = Warning("LAT0902", "a port that the service does not have");
    public static readonly DiagnosticCode UnknownSubset = Warning("LAT0903", "a subset that no DestinationRule declares");
    public static readonly DiagnosticCode UnknownGateway = Warning("LAT0904", "a Gateway that does not exist");
    public static readonly DiagnosticCode UnknownDelegate = Warning("LAT0905", "a delegate that does not exist, or is none");
    public static readonly DiagnosticCode NoSharedHost = Warning("LAT0906", "a VirtualService and its Gateway without a common host");
    public static readonly DiagnosticCode HostRoutedTwice = Warning("LAT0907", "a host that an older VirtualService routes");
    public static readonly DiagnosticCode SecondDefaultSidecar = Warning("LAT0908", "a second default Sidecar of a namespace");
    public static readonly DiagnosticCode OrphanSlice = Warning("LAT0909", "an EndpointSlice without a Service");

    public static readonly DiagnosticCode UnknownCredential = Warning("LAT0910", "a credential that no Secret holds");
    public static readonly DiagnosticCode CertificateExpires = Warning("LAT0911", "a certificate that is not valid yet, not valid any more, or not for long");

    public static readonly DiagnosticCode SecondPeerAuthentication = Warning("LAT0920", "a PeerAuthentication that an older one of the same level hides");
    public static readonly DiagnosticCode SelectorInRootNamespace = Warning("LAT0921", "a PeerAuthentication with a selector in the root namespace, where it has no effect");
    public static readonly DiagnosticCode MutualTlsNotTaken = Warning("LAT0922", "a DestinationRule that says ISTIO_MUTUAL to endpoints which take none");
    public static readonly DiagnosticCode PlaintextToStrict = Warning("LAT0923", "a DestinationRule without the mesh's mutual TLS to endpoints which take nothing else");
    public static readonly DiagnosticCode StrictWithoutIdentity = Warning("LAT0924", "STRICT for endpoints that are not labelled as able to");
    public static readonly DiagnosticCode UnknownWorkloadPort = Warning("LAT0925", "portLevelMtls for a port that none of the chosen endpoints has");

    public static readonly DiagnosticCode InvalidExtensionProvider = Error("LAT0930", "an extension provider that lacks something, or one name twice");
    public static readonly DiagnosticCode UnknownProvider = Warning("LAT0931", "a CUSTOM policy whose provider does not exist: what it matches is denied");

    public static readonly DiagnosticCode NobodyChecksTokens = Warning("LAT0932", "a policy that asks for a token's content where no RequestAuthentication checks tokens");

    public static readonly DiagnosticCode PolicyWithoutRules = Error("LAT1001", "a DENY or CUSTOM policy without rules");
    public static readonly DiagnosticCode InvalidProvider = Error("LAT1002", "a CUSTOM policy without a provider, or a provider without CUSTOM");
    public static readonly DiagnosticCode EmptyRule = Error("LAT1003", "a part of a rule that is written and asks nothing");
    public static readonly DiagnosticCode InvalidCondition = Error("LAT1004", "a condition key that does not exist, or not any more");
    public static readonly DiagnosticCode AttributeOfCustom = Error("LAT1005", "a CUSTOM policy that asks for what only authentication finds out");
    public static readonly DiagnosticCode InvalidServiceAccount = Error("LAT1006", "not a service account, or too many of them");
    public static readonly DiagnosticCode InvalidPathTemplate = Error("LAT1007", "a path template of the wrong form");
    public static readonly DiagnosticCode WiderOnConnections = Warning("LAT1008", "a DENY rule that denies more on ports that are not HTTP");
    public static readonly DiagnosticCode InvalidDryRun = Error("LAT1009", "a dry-run annotation where nothing can be dry-run, or with another value");
    public static readonly DiagnosticCode InvalidTarget = Error("LAT1010", "a target that a policy cannot attach to");
    public static readonly DiagnosticCode InvalidPolicyValue = Error("LAT1011", "a value that nothing can match");

    public static readonly DiagnosticCode TargetNotServed = Warning("LAT1012", "a target of a kind that this release does not serve: the policy is enforced nowhere");

    public static readonly DiagnosticCode PortsWithoutSelector = Error("LAT1101", "portLevelMtls without a selector");

    public static readonly DiagnosticCode NoKeySource = Error("LAT1201", "a JWT rule without issuer and without keys");
    public static readonly DiagnosticCode InvalidJwks = Error("LAT1202", "not a JSON Web Key Set");
    public static readonly DiagnosticCode PrivateKeyInJwks = Warning("LAT1203", "a key set that holds a private or shared key");
    public static readonly DiagnosticCode InvalidJwksUri = Error("LAT1204", "not an http or https URL");
    public static readonly DiagnosticCode InvalidTokenLocation = Error("LAT1205", "a place of a token or claim of the wrong form");
    public static readonly DiagnosticCode KeysNotFound = Warning("LAT1206", "an issuer whose keys cannot be found: no token of it passes");
    public static readonly DiagnosticCode UnusableKeyInJwks = Warning("LAT1207", "a key that nobody can use: it is left out of its set");

    public static readonly DiagnosticCode HiddenByApplied = Warning("LAT1301", "a file's resource that an applied one of the same name hides");
    public static readonly DiagnosticCode ProxyNotice = Warning("LAT1302", "something that a connected proxy is configured to have and does not get");

    /// <summary>All codes in order.</summary>
    public static ImmutableArray<DiagnosticCode> All => [.. Registered.OrderBy(code => code.Code, StringComparer.Ordinal)];

    private static DiagnosticCode Error(string code, string meaning) => Register(new DiagnosticCode(code, DiagnosticSeverity.Error, meaning));

    private static DiagnosticCode Warning(string code, string meaning) => Register(new DiagnosticCode(code, DiagnosticSeverity.Warning, meaning));

    private static DiagnosticCode Register(DiagnosticCode code)
    {
        Registered.Add(code);
        return code;
    }
}
