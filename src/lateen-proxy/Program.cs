using Lateen.ProxyHost;

// Exit codes: 0 well, 1 the configuration or the start failed, 2 the command line is wrong.
var arguments = ProxyArguments.Parse(args, out string? problem);
if (problem is not null)
{
    Console.Error.WriteLine(problem);
    Console.Error.WriteLine("Run lateen-proxy --help for the options.");
    return 2;
}

switch (arguments.Mode)
{
    case ProxyMode.Help:
        Console.Out.Write(ProxyArguments.HelpText);
        return 0;
    case ProxyMode.Version:
        Console.Out.WriteLine($"lateen-proxy {ProxyArguments.Version}");
        return 0;
}

string text;
try
{
    text = await File.ReadAllTextAsync(arguments.ConfigPath);
}
catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"{arguments.ConfigPath}: {failure.Message}");
    return 1;
}

return await ProxyHost.RunAsync(arguments, text);
