using Lateen.Bench.LoadGenerator;

var options = LoadArguments.Parse(args, out var error);
if (options is null)
{
    Console.Error.WriteLine(error);
    Console.Error.WriteLine(LoadArguments.Usage);
    return 2;
}

using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, press) =>
{
    press.Cancel = true;
    interrupted.Cancel();
};
var report = await LoadRun.RunAsync(options, interrupted.Token);
Console.WriteLine(report.ToJson());
return report.ExitCode;
