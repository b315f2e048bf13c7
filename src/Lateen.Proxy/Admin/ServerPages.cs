using System.Text.Json;
using Envoy.Admin.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Logging;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;
using Lateen.Xds.Text;

namespace Lateen.Proxy.Admin;

/// <summary><c>/ready</c>, <c>/server_info</c> and <c>/memory</c>; and the numbers of the process in <c>server.*</c>.</summary>
internal static class ServerPages
{
    public static AdminPage[] Create(AdminContext context)
    {
        context.Statistics.Registry.OnCollect(shared => Publish(context, context.Statistics.Server, shared));
        return
        [
            new("/ready", "print server state, return 200 if LIVE, otherwise return 503", false, (_, response) =>
            {
                var state = context.Lifecycle.State;
                response.Status = state == ServerState.Live ? 200 : 503;
                response.Write(NameOf(state) + "\n");
            }),
            new("/server_info", "print server version/status information", false, (_, response) => WriteServerInfo(context, response)),
            new("/memory", "print current allocation/heap usage", false, (_, response) => WriteMemory(response)),
        ];
    }

    private static string NameOf(ServerState state) => state switch
    {
        ServerState.Live => "LIVE",
        ServerState.Draining => "DRAINING",
        ServerState.PreInitializing => "PRE_INITIALIZING",
        _ => "INITIALIZING",
    };

    private static void WriteServerInfo(AdminContext context, AdminResponse response)
    {
        var uptime = Duration.FromTimeSpan(TimeSpan.FromSeconds(Math.Floor((context.Time.GetUtcNow() - context.StartedAt).TotalSeconds)));
        var info = new ServerInfo
        {
            // Envoy's form: revision/version/status/type/TLS library.
            Version = $"lateen/{context.Version}/Clean/RELEASE/OpenSSL",
            State = (ServerInfo.Types.State)context.Lifecycle.State,
            UptimeCurrentEpoch = uptime,
            UptimeAllEpochs = uptime,
            HotRestartVersion = "disabled",
            Node = context.Node,
            CommandLineOptions = new CommandLineOptions
            {
                Concurrency = (uint)context.Concurrency,
                ConfigPath = context.ConfigPath,
                LogLevel = LogLevelNames.Of(context.Log.For("main").Level),
                DrainTime = Duration.FromTimeSpan(context.DrainTime),
                Mode = CommandLineOptions.Types.Mode.Serve,
            },
        };
        response.ContentType = AdminResponse.Json;

        // Enum zero is "LIVE" and the protobuf mapping leaves zeros out, but readers of this page look for the word.
        var node = ProtoJson.Default.ToNode("envoy.admin.v3.ServerInfo", info);
        var text = Lateen.Yaml.JsonWriter.Write(node, indented: true);
        if (info.State == ServerInfo.Types.State.Live)
            text = text.Insert(text.IndexOf('{', StringComparison.Ordinal) + 1, "\n  \"state\": \"LIVE\",");
        response.Write(text);
        response.Write("\n");
    }

    private static void WriteMemory(AdminResponse response)
    {
        var heap = GC.GetGCMemoryInfo();
        response.ContentType = AdminResponse.Json;
        using (var json = new Utf8JsonWriter(response, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            Write(json, "allocated", GC.GetTotalMemory(forceFullCollection: false));
            Write(json, "heap_size", HeapSize(heap));
            Write(json, "pageheap_unmapped", 0);
            Write(json, "pageheap_free", heap.FragmentedBytes);
            Write(json, "total_thread_cache", 0);
            Write(json, "total_physical_bytes", Environment.WorkingSet);
            json.WriteEndObject();
        }

        response.Write("\n");

        // 64-bit numbers are strings in protobuf's JSON, and people's scripts expect them so.
        static void Write(Utf8JsonWriter json, string name, long value) => json.WriteString(name, value.ToString());
    }

    /// <summary>Before the first collection the runtime has no figure of its own: then it is what is allocated.</summary>
    private static long HeapSize(GCMemoryInfo heap) => Math.Max(heap.TotalCommittedBytes, GC.GetTotalMemory(forceFullCollection: false));

    private static void Publish(AdminContext context, ServerStats stats, SharedStatShard shared)
    {
        var state = context.Lifecycle.State;
        shared.Set(stats.Uptime, (long)(context.Time.GetUtcNow() - context.StartedAt).TotalSeconds);
        shared.Set(stats.Live, state == ServerState.Live ? 1 : 0);
        shared.Set(stats.State, (long)state);
        shared.Set(stats.MemoryAllocated, GC.GetTotalMemory(forceFullCollection: false));
        shared.Set(stats.MemoryHeapSize, HeapSize(GC.GetGCMemoryInfo()));
        shared.Set(stats.MemoryPhysicalSize, Environment.WorkingSet);
        shared.Set(stats.DaysUntilFirstCertExpiring, uint.MaxValue);
    }
}
