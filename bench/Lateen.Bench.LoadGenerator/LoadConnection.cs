using System.Diagnostics;
using Lateen.Net;

namespace Lateen.Bench.LoadGenerator;

/// <summary>
/// One keep-alive connection of a worker: sends a request, reads its answer, tells the worker. Reopens when the server closes it.
/// </summary>
internal sealed class LoadConnection : ITransportObserver
{
    /// <summary>Answers are read and forgotten, so all connections of a thread share one buffer.</summary>
    [ThreadStatic]
    private static byte[]? _scratch;

    private readonly LoadWorker _worker;
    private readonly ResponseReader _response = new();
    private readonly ReactorTimer _timeout;
    private TransportConnection? _connection;
    private byte[] _request = [];
    private int _written;
    private long _intendedAt;
    private bool _isBusy;
    private bool _isConnecting;
    private bool _hasTimedOut;

    internal LoadConnection(LoadWorker worker)
    {
        _worker = worker;
        _timeout = new ReactorTimer(worker.Reactor, static state => ((LoadConnection)state!).OnTimeout(), this);
    }

    internal bool IsBusy => _isBusy;

    /// <summary>Sends a request whose latency counts from <paramref name="intendedAt"/> (Stopwatch ticks), opening the connection if need be.</summary>
    internal void Send(byte[] request, long intendedAt)
    {
        Debug.Assert(!_isBusy);
        _isBusy = true;
        _request = request;
        _written = 0;
        _intendedAt = intendedAt;
        _hasTimedOut = false;
        _response.Reset(_worker.IsHeadMethod);
        _timeout.Arm(_worker.Options.RequestTimeout);
        if (_connection is { } connection)
            WriteRequest(connection);
        else if (!_isConnecting)
            _worker.Reactor.Spawn(static self => self.OpenAsync(), this);
    }

    internal void Close()
    {
        _timeout.Cancel();
        Drop();
    }

    public void OnReady(TransportConnection connection)
    {
        if (connection != _connection)
            return;
        if (_isBusy && _written < _request.Length)
            WriteRequest(connection);
        if (connection == _connection)
            ReadAnswer(connection);
    }

    private async ValueTask OpenAsync()
    {
        _isConnecting = true;
        var options = ConnectOptions.Default with { Timeout = _worker.Options.RequestTimeout };
        var result = await TransportConnector.ConnectAsync(_worker.Reactor, _worker.Options.Target, options);
        _isConnecting = false;
        if (!result.IsConnected)
        {
            if (_isBusy)
                Fail(LoadFailure.Connect);
            return;
        }

        _worker.OnConnectionOpened();
        _connection = result.Connection;
        _connection.Observer = this;
        if (_worker.IsFinished)
            Drop();
        else if (_isBusy)
            WriteRequest(_connection);
    }

    private void WriteRequest(TransportConnection connection)
    {
        while (_written < _request.Length)
        {
            var result = connection.Write(_request.AsSpan(_written));
            if (result.Status == IoStatus.WouldBlock)
                return;
            if (!result.IsOk)
            {
                Drop();
                Fail(LoadFailure.Closed);
                return;
            }

            _written += result.Bytes;
        }
    }

    private void ReadAnswer(TransportConnection connection)
    {
        var buffer = _scratch ??= new byte[64 * 1024];
        while (true)
        {
            var result = connection.Read(buffer);
            if (result.Status == IoStatus.WouldBlock)
                return;
            if (!result.IsOk)
            {
                OnConnectionEnded(result.Status);
                return;
            }

            _worker.OnBytes(result.Bytes);
            // Bytes that nobody asked for cannot be an answer; the connection is of no more use.
            var outcome = _isBusy ? _response.Read(buffer.AsSpan(0, result.Bytes), out var consumed) : Unasked(out consumed);
            if (outcome == ResponseReader.Outcome.NeedMore)
                continue;
            if (outcome == ResponseReader.Outcome.Malformed || consumed != result.Bytes)
            {
                Drop();
                if (_isBusy)
                    Fail(LoadFailure.Malformed);
                return;
            }

            Succeed();
            // The worker may have sent the next request from within: its answer comes with its own event.
            return;
        }
    }

    private static ResponseReader.Outcome Unasked(out int consumed)
    {
        consumed = 0;
        return ResponseReader.Outcome.Malformed;
    }

    private void OnConnectionEnded(IoStatus status)
    {
        Drop();
        if (!_isBusy)
            return;
        if (_hasTimedOut)
            Fail(LoadFailure.Timeout);
        else if (status == IoStatus.EndOfStream && _response.EndOfStreamCompletes())
            Succeed();
        else
            Fail(LoadFailure.Closed);
    }

    private void OnTimeout()
    {
        _hasTimedOut = true;
        Drop();
        Fail(LoadFailure.Timeout);
    }

    private void Succeed()
    {
        _timeout.Cancel();
        _isBusy = false;
        if (!_response.KeepsAlive || _worker.Options.ConnectionPerRequest)
            Drop();
        _worker.OnAnswer(this, _response.Status, _intendedAt);
    }

    private void Fail(LoadFailure failure)
    {
        _timeout.Cancel();
        _isBusy = false;
        _worker.OnFailure(this, failure);
    }

    private void Drop()
    {
        if (_connection is not { } connection)
            return;
        _connection = null;
        connection.Observer = null;
        connection.Dispose();
    }
}
