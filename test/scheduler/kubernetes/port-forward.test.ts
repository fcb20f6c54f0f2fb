import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { forwardPort } from '../../../scheduler/kubernetes/port-forward.ts';
import { servePage } from '../../../scheduler/page-server.ts';
import { buildPageFacts } from '../../helpers/page-facts.ts';

/** An API server that forwards ports as a kubelet does: channel 0 has the data, channel 1 the errors. */
let api: WebSocketServer;
/** The paths that were asked for. */
let asked: string[];
/** Serves a connection after its channels are open. */
let serve: (socket: WebSocket, channel: (number: number, data: Buffer) => void) => void;
let code: number | undefined;

beforeEach(async () => {
  asked = [];
  code = undefined;
  api = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: () => 'v4.channel.k8s.io',
    verifyClient: (_info, answer) => (code === undefined ? answer(true) : answer(false, code)),
  });
  api.on('connection', (socket, request) => {
    asked.push(request.url ?? '');
    const channel = (number: number, data: Buffer) => socket.send(Buffer.concat([Buffer.from([number]), data]));
    for (const number of [0, 1]) channel(number, Buffer.from([0x91, 0x1f]));
    serve(socket, channel);
  });
  await once(api, 'listening');
});
afterEach(() => {
  for (const client of api.clients) client.terminate();
  api.close();
});

function config(): KubeConfig {
  const { port } = api.address() as AddressInfo;
  const made = new KubeConfig();
  made.loadFromOptions({
    clusters: [{ name: 'loopback', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: 'test', token: 'token' }],
    contexts: [{ name: 'test', cluster: 'loopback', user: 'test' }],
    currentContext: 'test',
  });
  return made;
}

/** The two ends of a connection on loopback. */
async function connection(): Promise<readonly [near: Socket, far: Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [Socket];
  server.close();
  for (const socket of [near, far]) socket.on('error', () => {});
  return [near, far];
}

const pod = { namespace: 'nodesweep', pod: 'scheduler-1', port: 8081 };

it('the page of a pod passes through the API server in both directions', async () => {
  const facts = buildPageFacts(300);
  const page = await servePage({ address: '127.0.0.1', port: 0, hosts: [] }, { facts: () => facts }, console);
  onTestFinished(() => page.close());
  serve = (socket, channel) => {
    const server = connect(Number(new URL(page.url).port), '127.0.0.1');
    server.on('data', (data: Buffer) => channel(0, data)).on('close', () => socket.close());
    socket.on('message', (data: Buffer) => server.write(data.subarray(1)));
  };
  const [near, far] = await connection();
  const forwarded = forwardPort(config(), pod, far);
  near.write('GET /nodes HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  let answer = '';
  for await (const data of near) answer += String(data);
  await forwarded;
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*<\/html>\n$/);
  expect(asked).toEqual(['/api/v1/namespaces/nodesweep/pods/scheduler-1/portforward?ports=8081']);
});

it('a port of the pod on which nothing listens is an error with the words of the kubelet', async () => {
  serve = (socket, channel) => {
    channel(1, Buffer.from('dial tcp4 127.0.0.1:8081: connect: connection refused'));
    socket.close();
  };
  const [, far] = await connection();
  await expect(forwardPort(config(), pod, far)).rejects.toThrow(/pod scheduler-1 has failed: .*connection refused/);
});

it('a refusal of the API server is an error that names the rights, and ends the connection', async () => {
  code = 403;
  const [near, far] = await connection();
  const closed = once(near.resume(), 'close');
  await expect(forwardPort(config(), pod, far)).rejects.toThrow(
    /can't forward a port to pod scheduler-1: .*403.*create and get pods\/portforward/,
  );
  await closed;
});

it('a browser that goes away ends the connection to the pod', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  serve = (socket) => socket.on('close', () => resolve());
  const [near, far] = await connection();
  const forwarded = forwardPort(config(), pod, far);
  near.write('x');
  setTimeout(() => near.destroy(), 300);
  await Promise.all([promise, forwarded]);
});
