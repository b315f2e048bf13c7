namespace Lateen.Xds.Client;

/// <summary>Acknowledgements that wait until what they acknowledge is in force.</summary>
/// <remarks>Not thread-safe; the client's task. Bounded by the consumer, which lets none wait for ever.</remarks>
internal sealed class AcknowledgementWaits
{
    private readonly List<(Task InForce, OwedAnswer Answer)> _waits = [];

    /// <summary>One of these completes when there is something to settle.</summary>
    public IEnumerable<Task> Tasks => _waits.Select(static wait => wait.InForce);

    public void Add(Task inForce, OwedAnswer answer) => _waits.Add((inForce, answer));

    /// <summary>Marks as due whatever has come into force, or failed to: a wait is a courtesy, not a condition.</summary>
    public void Settle()
    {
        foreach ((Task inForce, OwedAnswer answer) in _waits)
        {
            if (inForce.IsCompleted)
            {
                answer.IsDue = true;
            }
        }

        _waits.RemoveAll(static wait => wait.Answer.IsDue);
    }

    /// <summary>The stream that the answers belong to is gone.</summary>
    public void Forget() => _waits.Clear();
}
