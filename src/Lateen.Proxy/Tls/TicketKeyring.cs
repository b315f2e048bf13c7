using Lateen.Net.Tls;

namespace Lateen.Proxy.Tls;

/// <summary>
/// Self-made session ticket keys, by what they are used for: a context that is made anew with the same demands on its clients (its certificate was
/// replaced, its listener changed elsewhere) opens the tickets that the last one sealed; one with other demands does not, so that
/// nobody enters on what an earlier configuration found good.
/// </summary>
/// <remarks>Configuration thread only. Keys live as long as a context uses them.</remarks>
internal sealed class TicketKeyring(TimeProvider time)
{
    private readonly Dictionary<string, WeakReference<TlsTicketKeys>> _keys = new(StringComparer.Ordinal);
    private int _sweepAt = 64;

    /// <param name="purpose">Digest of everything that decides whom the context lets in.</param>
    /// <param name="lifetime">How long sessions live; null: the default.</param>
    public TlsTicketKeys KeysFor(string purpose, TimeSpan? lifetime)
    {
        if (_keys.TryGetValue(purpose, out var known) && known.TryGetTarget(out var keys)) return keys;
        if (_keys.Count >= _sweepAt) Sweep();
        keys = TlsTicketKeys.SelfMade(time, lifetime);
        _keys[purpose] = new WeakReference<TlsTicketKeys>(keys);
        return keys;
    }

    private void Sweep()
    {
        foreach (var (purpose, _) in _keys.Where(static entry => !entry.Value.TryGetTarget(out _)).ToList()) _keys.Remove(purpose);
        _sweepAt = Math.Max(64, _keys.Count * 2);
    }
}
