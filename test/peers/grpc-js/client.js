// A gRPC client that finds its servers over xDS (GRPC_XDS_BOOTSTRAP), told on its input what to call, one JSON object per line:
//   {"id": 1, "method": "/lateen.test.Names/Say", "calls": 1000, "parallel": 8, "metadata": {"end-user": "ana"}}
// Each is answered with one line: {"id": 1, "names": {"v1": 903, "v2": 97}, "failures": {}}
// usage: node client.js xds:///HOST:PORT     (NODE_PATH names the folder of the packages)
'use strict';
const readline = require('readline');
const grpc = require('@grpc/grpc-js');
require('@grpc/grpc-js-xds').register();

const client = new grpc.Client(process.argv[2], grpc.credentials.createInsecure());

// The last text in a message of numbers below 128 and texts shorter than that: the name of an Answer, the version of a bookshop's Stock.
function decode(message) {
  let name = '';
  for (let at = 0; at < message.length;) {
    const isText = (message[at] & 7) === 2;
    if (isText) name = message.toString('utf8', at + 2, at + 2 + message[at + 1]);
    at += 2 + (isText ? message[at + 1] : 0);
  }
  return name;
}

function callOnce(method, metadata) {
  return new Promise((resolve) => {
    client.makeUnaryRequest(method, (value) => value, decode, Buffer.alloc(0), metadata, { deadline: Date.now() + 20000 }, (error, name) =>
      resolve(error ? { failure: `${grpc.status[error.code]}: ${error.details}` } : { name }));
  });
}

async function run(order) {
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(order.metadata ?? {})) metadata.set(key, value);
  const answer = { id: order.id, names: {}, failures: {} };
  let left = order.calls;
  const callMany = async () => {
    while (left-- > 0) {
      const { name, failure } = await callOnce(order.method, metadata);
      if (failure === undefined) answer.names[name] = (answer.names[name] ?? 0) + 1;
      else answer.failures[failure] = (answer.failures[failure] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: order.parallel ?? 1 }, callMany));
  console.log(JSON.stringify(answer));
}

readline.createInterface({ input: process.stdin }).on('line', (line) => run(JSON.parse(line))).on('close', () => process.exit(0));
console.log('ready');
