namespace Lateen.Proxy.Forwarding.Streams;

/// <summary>Hears of the interim responses (1xx other than 101) of an attempt as they come: the next head overwrites them.</summary>
internal interface IInterimReceiver
{
    /// <summary>The exchange's response head is an interim one, until this returns. Gathers at most; ends nothing, for the server's connection is being read.</summary>
    void OnInterim();
}
