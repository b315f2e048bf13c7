using Lateen.Net;

namespace Lateen.Proxy.Forwarding;

/// <summary>
/// What of a request's content was sent already, kept so that it can be sent again. Bounded: content that outgrows it cannot be retried.
/// </summary>
internal sealed class ReplayBuffer(BufferPool pool)
{
    private NativeBuffer? _block;
    private int _length;
    private int _most;

    /// <summary>False once more was sent than can be kept; then nothing is.</summary>
    public bool IsComplete { get; private set; }

    public ReadOnlySpan<byte> Kept => _block is null ? default : _block.Span[.._length];

    /// <summary>Starts to keep.</summary>
    /// <param name="most">Octets that may be kept, where that is less than the block.</param>
    public void Begin(uint most)
    {
        Release();
        _most = (int)Math.Min(most, (uint)BufferPool.BytesOf(BufferSize.Large));
        IsComplete = true;
    }

    public void Add(ReadOnlySpan<byte> payload)
    {
        if (!IsComplete || payload.IsEmpty) return;
        if (payload.Length > _most - _length)
        {
            Release();
            return;
        }

        _block ??= pool.Rent(BufferSize.Large);
        payload.CopyTo(_block.Span[_length..]);
        _length += payload.Length;
    }

    /// <summary>Keeps nothing any more.</summary>
    public void Release()
    {
        IsComplete = false;
        _length = 0;
        if (_block is null) return;
        NativeBuffer block = _block;
        _block = null;
        block.Dispose();
    }
}
