"""A gRPC client (C-core) that finds its servers over xDS (GRPC_XDS_BOOTSTRAP), told on its input what to call, one JSON object per line:
    {"id": 1, "method": "/lateen.test.Names/Say", "calls": 1000, "parallel": 8, "metadata": {"end-user": "ana"}}
Each is answered with one line: {"id": 1, "names": {"v1": 903, "v2": 97}, "failures": {}}
usage: python3 client.py xds:///HOST:PORT     (Debian: python3-grpcio)
"""
import collections
import concurrent.futures
import json
import sys
import threading

import grpc


output = threading.Lock()


def decode(message):
    """The last text in a message of numbers below 128 and texts shorter than that: the name of an Answer, the version of a bookshop's Stock."""
    name, at = "", 0
    while at < len(message):
        is_text = message[at] & 7 == 2
        if is_text:
            name = message[at + 2:at + 2 + message[at + 1]].decode("utf-8")
        at += 2 + (message[at + 1] if is_text else 0)
    return name


def run(channel, order):
    call = channel.unary_unary(order["method"], request_serializer=bytes, response_deserializer=decode)
    metadata = tuple(order.get("metadata", {}).items())
    names, failures = collections.Counter(), collections.Counter()

    def call_once(_):
        try:
            return call(b"", metadata=metadata, timeout=20), None
        except grpc.RpcError as error:
            return None, f"{error.code().name}: {error.details()}"

    with concurrent.futures.ThreadPoolExecutor(order.get("parallel", 1)) as pool:
        for name, failure in pool.map(call_once, range(order["calls"])):
            if failure is None:
                names[name] += 1
            else:
                failures[failure] += 1
    answer = json.dumps({"id": order["id"], "names": names, "failures": failures}, separators=(",", ":"))
    # print() writes the text and the end of its line one after the other: two orders that end together would share a line.
    with output:
        print(answer, flush=True)


with grpc.insecure_channel(sys.argv[1]) as channel:
    print("ready", flush=True)
    for line in sys.stdin:
        # Orders may overlap: load goes on while another order asks something.
        threading.Thread(target=run, args=(channel, json.loads(line)), daemon=True).start()
