namespace Lateen.Proxy.Configuration;

/// <summary>Says why a file that configuration names cannot be used.</summary>
/// <remarks>The shipped program leaves out the framework's texts to be small, so an exception's message would be <c>IO_FileNotFound_FileName</c>.</remarks>
internal static class FileFailureText
{
    public static string Of(Exception failure) => failure switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file",
        UnauthorizedAccessException => "this user may not, or it is a directory",
        _ => failure.Message,
    };
}
