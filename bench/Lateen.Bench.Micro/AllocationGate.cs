using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using BenchmarkDotNet.Attributes;

namespace Lateen.Bench.Micro;

/// <summary>
/// What each benchmark allocates, in octets per operation, held against <c>bench/baselines/allocations.json</c>. Octets are the same on every
/// machine and under any load, which nanoseconds are not, so this can run as a test and fail on growth.
/// </summary>
/// <remarks>
/// A benchmark that the file does not name fails too: whoever adds one states what it may cost.
/// </remarks>
public static class AllocationGate
{
    private const int WarmUpRuns = 200;
    private const int MeasuredRuns = 500;

    /// <summary>Benchmark name (<c>Class.Method</c>) to octets per operation, measured on the calling thread.</summary>
    public static SortedDictionary<string, long> Measure()
    {
        var measured = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (Type type in typeof(AllocationGate).Assembly.GetTypes().Where(type => type.GetMethods().Any(IsBenchmark)))
        {
            object instance = Activator.CreateInstance(type)!;
            type.GetMethods().FirstOrDefault(method => method.IsDefined(typeof(GlobalSetupAttribute)))?.Invoke(instance, null);
            foreach (MethodInfo method in type.GetMethods().Where(IsBenchmark)) measured.Add($"{type.Name}.{method.Name}", Measure(method, instance));
            (instance as IDisposable)?.Dispose();
        }

        return measured;
    }

    /// <summary>The expected figures.</summary>
    public static SortedDictionary<string, long> ReadBaseline(string path) =>
        JsonSerializer.Deserialize<SortedDictionary<string, long>>(File.ReadAllText(path)) ?? throw new InvalidDataException($"{path} is empty");

    /// <summary>One line for each benchmark that allocates more than it may, is not in the baseline, or is gone from the code.</summary>
    public static IReadOnlyList<string> Compare(SortedDictionary<string, long> baseline, SortedDictionary<string, long> measured)
    {
        var failures = new List<string>();
        foreach ((string name, long octets) in measured)
        {
            if (!baseline.TryGetValue(name, out long allowed)) failures.Add($"{name} allocates {octets} B and has no line in allocations.json");
            else if (octets > allowed) failures.Add($"{name} allocates {octets} B per operation; allocations.json allows {allowed} B");
        }

        failures.AddRange(baseline.Keys.Where(name => !measured.ContainsKey(name)).Select(name => $"{name} is in allocations.json but not in the code"));
        return failures;
    }

    private static bool IsBenchmark(MethodInfo method) => method.IsDefined(typeof(BenchmarkAttribute));

    private static long Measure(MethodInfo method, object instance)
    {
        Action run = Bind(method, instance);
        for (int i = 0; i < WarmUpRuns; i++) run();

        // The least of three rounds: code that is still being compiled may allocate for the runtime's own purposes on this thread.
        long least = long.MaxValue;
        for (int round = 0; round < 3; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < MeasuredRuns; i++) run();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least / MeasuredRuns;
    }

    /// <summary>A call without reflection or boxing, whatever the benchmark returns.</summary>
    private static Action Bind(MethodInfo method, object instance)
    {
        if (method.ReturnType == typeof(void)) return method.CreateDelegate<Action>(instance);
        MethodInfo binder = typeof(AllocationGate).GetMethod(nameof(BindResult), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(method.ReturnType);
        return (Action)binder.Invoke(null, [method, instance])!;
    }

    private static Action BindResult<T>(MethodInfo method, object instance)
    {
        var call = method.CreateDelegate<Func<T>>(instance);
        return () => Consume(call());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Consume<T>(T result) => _ = result;
}
