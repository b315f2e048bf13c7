using Lateen.Bench.Footprint;

if (args is [FloodAttack.Verb, { } attacked, { } flood]) return await FloodAttack.RunAsync(attacked, flood);
var options = FootprintOptions.Parse(args, out string error);
if (options is null)
{
    Console.Error.WriteLine(error);
    Console.Error.WriteLine(FootprintOptions.Usage);
    return 2;
}

string loadBefore = LoadAverage();
var notes = new List<string>();
var figures = new List<Figure>();
try
{
    using var upstream = new RunningUpstream(bodyBytes: 64);
    using var otherUpstream = new RunningUpstream(bodyBytes: 65);
    var processes = new ProcessMeasurements(options, upstream, notes);
    if (options.Only.Contains("start")) Add(processes.Start());
    if (options.Only.Contains("memory")) Add(processes.Memory());
    if (options.Only.Contains("connections")) Add(processes.Connections());
    if (options.Only.Contains("detection")) Add(new DetectionMeasurements(options, upstream).Run());
    if (options.Only.Contains("floods")) Add(new FloodMeasurements(options, upstream).Run());
    if (options.Only.Contains("mtls")) Add(new MutualTlsMeasurements(options, upstream, notes).Run());
    if (options.Only.Contains("changes")) Add(new ChangeMeasurements(options, upstream, otherUpstream, notes).Run());
}
catch (InvalidOperationException failure)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}

Console.WriteLine(FigureTable.Render(figures));
foreach (string note in notes) Console.WriteLine(note);
string loadAfter = LoadAverage();
Console.WriteLine($"load average before {loadBefore}, after {loadAfter}, {Environment.ProcessorCount} processors");
var now = TimeProvider.System.GetUtcNow();
Directory.CreateDirectory(options.Output);
string file = Path.Combine(options.Output, $"footprint-{now:yyyyMMdd-HHmmss}.json");
File.WriteAllBytes(file, FigureTable.ToJson(figures, notes, now, loadBefore, loadAfter));
Console.WriteLine($"written to {file}");
return figures.All(figure => figure.IsWithin) ? 0 : 1;

void Add(IEnumerable<Figure> measured)
{
    foreach (var figure in measured)
    {
        figures.Add(figure);
        Console.Error.WriteLine($"{figure.Name}: {figure.Value:0.##} {figure.Unit}");
    }
}

static string LoadAverage() => string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ').Take(3));
