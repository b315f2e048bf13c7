using System.Globalization;

namespace Lateen.Bench.Footprint;

/// <summary>
/// What the scheduler gave a process, from /proc/PID/task/*/schedstat (kernel's Documentation/scheduler/sched-stats): time on a processor, and time
/// ready to run without one. The second is other people's work, and says how far a figure may be believed on a busy machine.
/// </summary>
internal readonly record struct SchedulerFigures(double RunMilliseconds, double WaitMilliseconds)
{
    internal static SchedulerFigures Of(int pid)
    {
        var sum = default(SchedulerFigures);
        foreach (string task in Directory.EnumerateDirectories($"/proc/{pid}/task"))
        {
            try
            {
                string[] fields = File.ReadAllText(task + "/schedstat").Split(' ');
                sum += new SchedulerFigures(Milliseconds(fields[0]), Milliseconds(fields[1]));
            }
            catch (IOException)
            {
                // The thread ended since it was listed.
                continue;
            }
        }

        return sum;
    }

    public static SchedulerFigures operator +(SchedulerFigures left, SchedulerFigures right) =>
        new(left.RunMilliseconds + right.RunMilliseconds, left.WaitMilliseconds + right.WaitMilliseconds);

    public static SchedulerFigures operator -(SchedulerFigures left, SchedulerFigures right) =>
        new(left.RunMilliseconds - right.RunMilliseconds, left.WaitMilliseconds - right.WaitMilliseconds);

    private static double Milliseconds(string nanoseconds) => long.Parse(nanoseconds, CultureInfo.InvariantCulture) / 1e6;
}
