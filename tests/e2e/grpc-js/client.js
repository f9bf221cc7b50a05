// SPDX-License-Identifier: MIT
// usage: client.js PROTOS TARGET USER TOKEN [CA]: calls, and prints one JSON line for each result.
'use strict';
const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [protos, target, user, token, ca] = process.argv.slice(2);
const options = { includeDirs: [protos], keepCase: true, enums: String };
const load = (file) => grpc.loadPackageDefinition(loader.loadSync(file, options));
const credentials = ca ? grpc.credentials.createSsl(fs.readFileSync(ca)) : grpc.credentials.createInsecure();
const service = new (load('refresh.proto').refresh.RefreshService)(target, credentials);
const health = new (load('health.proto').grpc.health.v1.Health)(target, credentials);

const say = (name, result) => console.log(JSON.stringify([name, result]));
const soon = (ms) => ({ deadline: Date.now() + ms });
const call = (message, when = soon(10000)) => new Promise((resolve) => {
  service.RefreshToken(message, when, (e, reply) => resolve(e ? grpc.status[e.code] : JSON.stringify(reply)));
});
const other = (path) => new Promise((resolve) => {
  service.makeUnaryRequest(path, (x) => x, (x) => x, Buffer.alloc(0), soon(10000),
    (e) => resolve(e ? grpc.status[e.code] : 'OK'));
});

async function main() {
  const good = { user_id: user, token };
  say('ok', await call(good));
  say('unknown session', await call({ user_id: user, token: 'unknown' }));
  say('no user', await call({ token }));
  say('no method', await other('/refresh.RefreshService/Nothing'));
  say('no service', await other('/x.Y/Z'));
  say('too large', await call({ user_id: user, token: 't'.repeat(20000) }));
  say('a deadline of nothing', await call(good, { deadline: Date.now() - 1 }));
  say('cancelled', await new Promise((resolve) => {
    service.RefreshToken(good, (e) => resolve(e ? grpc.status[e.code] : 'OK')).cancel();
  }));
  const many = Array.from({ length: 1000 }, () => call(good, soon(60000)));
  say('1000 at once', [...new Set(await Promise.all(many))]);
  say('health', await new Promise((resolve) => {
    health.Check({}, soon(10000), (e, reply) => resolve(e ? grpc.status[e.code] : reply.status));
  }));
  say('watch', await new Promise((resolve) => {
    const watch = health.Watch({ service: 'refresh.RefreshService' });
    watch.on('data', (reply) => { watch.cancel(); resolve(reply.status); });
    watch.on('error', () => {});
  }));
  service.close();
  health.close();
}

main();
