namespace Lateen.Net;

/// <summary>Settings of one reactor, fixed when it is made.</summary>
public sealed record ReactorOptions
{
    /// <summary>Where all time comes from. With a provider other than the system's, sleeps end by that provider's timers.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Position within its group, from 0; in the thread's name and for per-reactor tables.</summary>
    public int Index { get; init; }

    /// <summary>Name of the thread, without the index.</summary>
    public string Name { get; init; } = "reactor";

    /// <summary>Octets of native memory that the buffer pool may hold. Hit: renting fails. 256 MiB: some 16,000 connections mid-body.</summary>
    public long MaxBufferBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>
    /// Told each exception that escaped a connection's method, a callback, a timer or posted work, with the connection that it cost, if it
    /// was one. Runs on the reactor; must not throw. Such an exception is a bug, never a peer's behaviour.
    /// </summary>
    public Action<Exception, TransportConnection?>? UnhandledException { get; init; }

    /// <summary>Told one line per buffer that was still rented when the reactor ended. Only a Debug build knows who rented it.</summary>
    public Action<string>? BufferLeaked { get; init; }
}
