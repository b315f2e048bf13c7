using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Lateen.Cli.Verbs;

namespace Lateen.Cli.Demo;

/// <summary><c>lateen demo</c>: a whole mesh on this machine, on real traffic, from one command and without root.</summary>
internal static class DemoVerb
{
    public static Command Create(CliEnvironment environment)
    {
        var port = new Option<int?>("--port") { Description = "Port of the storefront on 127.0.0.1. Default: a free one, printed", HelpName = "PORT" };
        var rate = new Option<double>("--rate") { Description = "Page views per second of generated traffic; 0 sends none", DefaultValueFactory = _ => 8 };
        var duration = new Option<int?>("--duration") { Description = "Stop after so many seconds. Default: run until Ctrl-C", HelpName = "SECONDS" };
        rate.Validators.Add(result =>
        {
            // A text that is no number has its own complaint, and no value to ask for.
            if (result.Tokens is [.., { Value: var text }] && double.TryParse(text, CultureInfo.InvariantCulture, out double written) && written is not (>= 0 and <= 200))
            {
                result.AddError("--rate takes 0 to 200 page views per second: the demo is gentle; bench/run.sh is not.");
            }
        });
        var command = new ExampleCommand(
            "demo",
            "Run a bookshop of nine services, each behind its own proxy, with an ingress gateway and live traffic",
            "lateen demo",
            "lateen demo --port 8080 --rate 20",
            "lateen apply --wait -f samples/bookshop/config/canary-90-10.yaml    # from a second terminal")
        {
            port, rate, duration,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
            {
                context.Cancel = true;
                stop.Cancel();
            });
            if (parsed.GetValue(duration) is { } seconds)
            {
                stop.CancelAfter(TimeSpan.FromSeconds(seconds));
            }

            return await new DemoSession(environment, TimeProvider.System).RunAsync(parsed.GetValue(port), parsed.GetValue(rate), stop.Token);
        });
        return command;
    }
}
