using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Lateen.Bench.Micro;

// `-- gate BASELINE`: compare allocations with the file and fail on growth. Anything else goes to BenchmarkDotNet, e.g. `-- --filter '*Codec*'`.
if (args is ["gate", var path])
{
    var measured = AllocationGate.Measure();
    foreach ((string name, long octets) in measured) Console.WriteLine($"{octets,8} B  {name}");
    var failures = AllocationGate.Compare(AllocationGate.ReadBaseline(path), measured);
    foreach (string failure in failures) Console.Error.WriteLine(failure);
    return failures.Count == 0 ? 0 : 1;
}

// In process: a second build per benchmark would take longer here than the measurement, and inherits nothing from Directory.Build.props.
var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance).AsDefault());
BenchmarkSwitcher.FromAssembly(typeof(CodecBenchmarks).Assembly).Run(args, config);
return 0;
