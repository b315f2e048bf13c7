using System.Net;
using System.Runtime.InteropServices;
using Lateen.Bench.Upstream;
using Lateen.Net;

// Usage: Lateen.Bench.Upstream [PORT [BODY_BYTES|bulk [THREADS]]]; port 0 (the default) is chosen by the kernel and announced.
var port = args.Length > 0 ? int.Parse(args[0]) : 0;
Func<TransportConnection, ValueTask> serve = args.Length > 1 && args[1] == "bulk"
    ? BulkServer.ServeAsync
    : new FixedAnswer(args.Length > 1 ? int.Parse(args[1]) : 64).ServeAsync;
var threads = args.Length > 2 ? int.Parse(args[2]) : 1;

await using var group = new ReactorGroup(threads, new ReactorOptions
{
    Name = "upstream",
    UnhandledException = (exception, _) => Console.Error.WriteLine(exception),
});
group.Start();
var bound = group.Bind(new IPEndPoint(IPAddress.Loopback, port), ListenerOptions.Default, serve);
if (!bound.IsBound)
{
    Console.Error.WriteLine($"cannot listen on 127.0.0.1:{port}: {bound.Error}");
    return 1;
}

foreach (var listener in bound.Value)
    listener.Start();
Console.WriteLine($"listening {bound.Value[0].LocalEndPoint}");

var stop = new TaskCompletionSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    stop.TrySetResult();
});
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
{
    context.Cancel = true;
    stop.TrySetResult();
});
await stop.Task;
return 0;
