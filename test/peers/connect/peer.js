// A peer of CONNECT tunnels on Node alone.
//   node peer.js serve 1|2 PORT           a proxy in that version of HTTP: whatever is asked for, its tunnels lead to 127.0.0.1:PORT
//   node peer.js get PORT AUTHORITY PATH  opens a tunnel over HTTP/2 by prior knowledge through the proxy at PORT, and asks for PATH in it
'use strict';
const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');

const [role, ...rest] = process.argv.slice(2);

function join(client, port, accept) {
  const server = net.connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true }, () => {
    accept();
    client.pipe(server);
    server.pipe(client);
  });
  server.on('error', () => client.destroy());
  client.on('error', () => server.destroy());
}

if (role === 'serve') {
  const [version, port] = rest;
  const proxy = version === '1'
    ? http.createServer().on('connect', (request, socket) => {
      console.log(`asked for ${request.url}`);
      join(socket, port, () => socket.write('HTTP/1.1 200 Connection Established\r\n\r\n'));
    })
    : http2.createServer().on('stream', (stream, headers) => {
      console.log(`asked for ${headers[':authority']}`);
      join(stream, port, () => stream.respond({ ':status': 200 }));
    });
  proxy.listen(0, '127.0.0.1', () => console.log(`listening on ${proxy.address().port}`));
} else {
  const [port, authority, path] = rest;
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const stream = session.request({ ':method': 'CONNECT', ':authority': authority });
  stream.on('response', (headers) => {
    console.log(`answered ${headers[':status']}`);
    stream.write(`GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`);
  });
  stream.on('data', (chunk) => process.stdout.write(chunk));
  stream.on('end', () => {
    stream.end();
    session.close();
  });
}
