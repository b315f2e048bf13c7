using Lateen.Proxy.Forwarding;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Listeners;

/// <summary>How far the filters of a chain are with a connection.</summary>
internal enum AdmissionState : byte
{
    /// <summary>A filter has to find something out first.</summary>
    Asking,

    /// <summary>No filter has anything against it.</summary>
    Admitted,

    /// <summary>The record says why.</summary>
    Refused,
}

/// <summary>The network filters of one chain, asked about one connection in their order: each hears of it, then each has its say, and some ask others first.</summary>
/// <remarks>
/// One reactor. <see cref="TryBegin"/> once, then <see cref="Advance"/> until it is not <see cref="AdmissionState.Asking"/>, then <see cref="End"/> or
/// <see cref="Withdraw"/> once, at whatever moment the connection or its interest in this chain ends.
/// </remarks>
internal sealed class ChainAdmission(ProxyWorker worker, ConnectionRecord record, ServedChain chain)
{
    private ConnectionQuestion? _question;
    private int _entered;
    private int _next;

    public ServedChain Chain => chain;

    public AdmissionState State { get; private set; }

    /// <summary>How long a refused connection is kept before it is closed. Milliseconds.</summary>
    public long DelayMilliseconds { get; private set; }

    /// <summary>Tells the filters that a connection has come.</summary>
    /// <returns>False: it is refused.</returns>
    public bool TryBegin()
    {
        for (; _entered < chain.Filters.Length; _entered++)
        {
            if (chain.Filters[_entered].OnBegin(worker) is not { } delay) continue;
            record.TerminationDetails = "connection_limit";
            return Refuse(delay);
        }

        return true;
    }

    /// <summary>Asks as many filters as can be asked now. For a connection whose handshake, where its chain has one, is over.</summary>
    /// <param name="owner">Woken when there is more to do.</param>
    public AdmissionState Advance(WakeSignal owner)
    {
        while (State == AdmissionState.Asking && TryStep(owner))
        {
        }

        return State;
    }

    /// <summary>The connection ends, or its interest in this chain does. A question that is under way is broken off.</summary>
    public void End()
    {
        _question?.Abandon();
        _question = null;
        while (--_entered >= 0) chain.Filters[_entered].OnEnd(worker);
    }

    /// <summary>The connection turns out to belong to another chain: what these filters said of it is as if it had never been said, but for what they counted.</summary>
    public void Withdraw()
    {
        End();
        record.Metadata = null;
        record.Flags = ResponseFlags.None;
        record.TerminationDetails = string.Empty;
    }

    /// <returns>False: a question has no answer yet.</returns>
    private bool TryStep(WakeSignal owner)
    {
        if (_question is { } question)
        {
            // A client that leaves, or has said all that it has to say, is not told from the other here: the question ends by itself soon enough.
            if (!question.IsOver) return false;
            _question = null;
            if (question.Conclude()) _next++;
            else Refuse(0);
            return true;
        }

        if (_next == chain.Filters.Length)
        {
            State = AdmissionState.Admitted;
            return true;
        }

        NetworkFilter filter = chain.Filters[_next];
        if (filter.OnEstablished(worker, record) is { } delay)
        {
            Refuse(delay);
            return true;
        }

        _question = filter.Ask(worker, record);
        if (_question is null) _next++;
        else _question.Start(owner);
        return true;
    }

    /// <returns>False.</returns>
    private bool Refuse(long delayMilliseconds)
    {
        State = AdmissionState.Refused;
        DelayMilliseconds = delayMilliseconds;
        return false;
    }
}
