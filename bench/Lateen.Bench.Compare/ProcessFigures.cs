using System.Globalization;

namespace Lateen.Bench.Compare;

/// <summary>CPU time of a process and all its descendants, from /proc/PID/stat (proc(5)), in the kernel's ticks of 10 ms.</summary>
internal readonly record struct CpuTicks(long User, long System)
{
    /// <summary>USER_HZ: 100 on every Linux that we run on; the kernel exports times to user space in this unit whatever its own.</summary>
    private const double TicksPerSecond = 100;

    internal double UserMicroseconds => User / TicksPerSecond * 1e6;

    internal double SystemMicroseconds => System / TicksPerSecond * 1e6;

    public static CpuTicks operator +(CpuTicks left, CpuTicks right) => new(left.User + right.User, left.System + right.System);

    public static CpuTicks operator -(CpuTicks left, CpuTicks right) => new(left.User - right.User, left.System - right.System);
}

/// <summary>Reads what the kernel knows of a process.</summary>
internal static class ProcessFigures
{
    internal static CpuTicks Cpu(int pid)
    {
        var sum = new CpuTicks(0, 0);
        foreach (var member in Family(pid))
        {
            // The command's name may hold spaces and brackets: fields are counted from the last bracket. utime and stime are fields 14 and 15.
            var stat = File.ReadAllText($"/proc/{member}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            sum += new CpuTicks(Number(fields[11]), Number(fields[12]));
        }

        return sum;
    }

    /// <summary>Resident memory of the process and its descendants. KiB. Pages that they share are counted once each.</summary>
    internal static long ResidentKib(int pid) => Family(pid).Sum(member =>
    {
        var line = File.ReadLines($"/proc/{member}/smaps_rollup").First(text => text.StartsWith("Pss:", StringComparison.Ordinal));
        return Number(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
    });

    /// <summary>VmRSS of the process and its descendants. KiB. Shared pages are counted in each.</summary>
    internal static long VmRssKib(int pid) => Family(pid).Sum(member =>
    {
        var line = File.ReadLines($"/proc/{member}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return Number(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1]);
    });

    /// <summary>The process and, as with nginx's workers, its descendants.</summary>
    internal static List<int> Family(int pid)
    {
        var members = new List<int> { pid };
        for (var i = 0; i < members.Count; i++)
        {
            foreach (var task in Directory.EnumerateDirectories($"/proc/{members[i]}/task"))
            {
                foreach (var child in File.ReadAllText(task + "/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    members.Add(int.Parse(child, CultureInfo.InvariantCulture));
            }
        }

        return members;
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
