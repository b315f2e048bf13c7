using System.Numerics;

namespace Lateen.Proxy.Clusters;

/// <summary>
/// The random numbers of one reactor: load balancing, weighted clusters and sampling draw from it. xoshiro256** (Blackman and Vigna,
/// 2018): four words of state, no allocation, no lock, far better spread than splitting a traffic share needs. Not for secrets.
/// </summary>
/// <remarks>One owner thread. A seed makes a test repeatable.</remarks>
public sealed class ReactorRandom
{
    private ulong _a, _b, _c, _d;

    public ReactorRandom(ulong seed)
    {
        _a = SplitMix(ref seed);
        _b = SplitMix(ref seed);
        _c = SplitMix(ref seed);
        _d = SplitMix(ref seed);
    }

    public ulong Next()
    {
        var result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        var t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>
    /// A number in [0, <paramref name="bound"/>). The bias of the multiply-shift is below bound / 2^64. A bound of 0 gives 0.
    /// </summary>
    public ulong Below(ulong bound) => Math.BigMul(Next(), bound, out _);

    /// <summary>A number in [0, <paramref name="bound"/>).</summary>
    public int Below(int bound) => (int)Below((ulong)bound);

    // The words that the authors of xoshiro recommend to seed it with, so that near seeds give far sequences.
    private static ulong SplitMix(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
