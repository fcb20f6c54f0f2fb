import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Call, KubernetesApi, type ObservedCall } from '../../../../scheduler/kubernetes/api/api.ts';
import { KubernetesTransport } from '../../../../scheduler/kubernetes/api/transport.ts';
import { LoopbackApi } from '../../../helpers/loopback-api.ts';

const pods = '/api/v1/namespaces/ns/pods';
const createPod = (name: string): Call => ({
  resource: 'pods',
  namespace: 'ns',
  verb: 'create',
  body: { metadata: { name } },
});
const getPod = (name: string): Call => ({ resource: 'pods', namespace: 'ns', name, verb: 'get' });

let server: LoopbackApi;
let api: KubernetesApi;
let observed: ObservedCall[];

beforeEach(async () => {
  server = new LoopbackApi();
  await server.start();
  observed = [];
  const transport = new KubernetesTransport(server.config);
  api = new KubernetesApi({ transport, requestsPerSecond: 1000, observe: (call) => observed.push(call) });
});
afterEach(async () => {
  await api.close();
  await server.stop();
});

/** Refuses the first requests with a method. */
function refuseFirst(count: number, method: string, refusal: { code: number; reason?: string; retryAfter?: number }) {
  let refused = 0;
  server.fault = (asked) => {
    if (asked.method !== method || refused >= count) return undefined;
    refused += 1;
    return refusal;
  };
}

describe('requests to the API server', () => {
  it('share their connections', async () => {
    for (let index = 0; index < 30; index += 1) await api.call('create', [], createPod(`pod-${index}`));
    expect(server.objects.size).toBe(30);
    expect(server.connections).toBeLessThanOrEqual(3);
  });

  it('that are refused for an expected reason have no answer, and distinguish reasons with the same code', async () => {
    server.put(pods, 'a');
    expect(await api.call('create pod a', ['AlreadyExists'], createPod('a'))).toBeUndefined();
    expect(await api.call('read pod b', ['NotFound'], getPod('b'))).toBeUndefined();
    await expect(api.call('create pod a', ['Conflict'], createPod('a'))).rejects.toThrow(
      'could not create pod a: 409: refused: AlreadyExists',
    );
  });

  it.each([
    ['a create that met another one at the quota', 'POST', { code: 409, reason: 'Conflict' }, createPod('a')],
    ['one that the server is too busy for', 'POST', { code: 429, retryAfter: 0 }, createPod('a')],
    ['one for which the server says when to come again', 'GET', { code: 503, retryAfter: 0 }, getPod('known')],
  ])('are sent again: %s', async (_title, method, refusal, call) => {
    server.put(pods, 'known');
    refuseFirst(2, method, refusal);
    expect(await api.call('do it', [], call)).toBeDefined();
    expect(server.count(method)).toBe(3);
  });

  it('wait as long as the server requires', async () => {
    refuseFirst(1, 'POST', { code: 429, retryAfter: 1 });
    const startedAt = performance.now();
    await api.call('create pod a', [], createPod('a'));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000);
  });

  it('fail when the server stays busy, and are not sent again after any other error', async () => {
    refuseFirst(100, 'POST', { code: 429, retryAfter: 0 });
    await expect(api.call('create pod a', [], createPod('a'))).rejects.toThrow('could not create pod a: 429: refused');
    expect(server.count('POST')).toBe(6);
    refuseFirst(100, 'GET', { code: 500 });
    await expect(api.call('read pod a', [], getPod('a'))).rejects.toThrow('could not read pod a: 500: refused');
    expect(server.count('GET')).toBe(1);
  });

  it('without an answer fail with an error that names the operation and the reason', async () => {
    await server.stop();
    await expect(api.call('read pod a', [], getPod('a'))).rejects.toThrow(/^could not read pod a: .*ECONNREFUSED/);
    await server.start();
    server.fault = () => 'cut';
    await expect(api.call('read pod a', [], getPod('a'))).rejects.toThrow(/^could not read pod a: .*(closed|hang up)/);
  });

  it('read an expired token again', async () => {
    const tokens = ['expired', 'fresh'];
    const config = server.config;
    config.users = [{ name: 'test' }];
    config.addAuthenticator({
      isAuthProvider: () => true,
      applyAuthentication: async (_user, options) => {
        options.headers = { ...options.headers, Authorization: `Bearer ${tokens.shift() ?? 'fresh'}` };
      },
    });
    server.put(pods, 'a');
    server.fault = ({ token }) => (token === 'fresh' ? undefined : { code: 401, reason: 'Unauthorized' });
    const renewing = new KubernetesApi({ transport: new KubernetesTransport(config), requestsPerSecond: 100 });
    await expect(renewing.call('read pod a', [], getPod('a'))).rejects.toThrow('401');
    expect(await renewing.call('read pod a', [], getPod('a'))).toMatchObject({ metadata: { name: 'a' } });
    await renewing.close();
  });

  it('are counted by verb, resource and code, those without an answer as code 0', async () => {
    await api.call('create', [], createPod('a'));
    await api.call('read', ['NotFound'], getPod('b'));
    await server.stop();
    await api.call('read', [], getPod('b')).catch(() => {});
    expect(observed.map(({ verb, resource, code }) => [verb, resource, code])).toEqual([
      ['create', 'pods', 201],
      ['get', 'pods', 404],
      ['get', 'pods', 0],
    ]);
    expect(observed.every(({ seconds }) => seconds > 0)).toBe(true);
  });

  it('are at most as many in ten seconds as the rate allows', async () => {
    const transport = new KubernetesTransport(server.config);
    const slow = new KubernetesApi({ transport, requestsPerSecond: 1 });
    server.put(pods, 'a');
    const startedAt = performance.now();
    const all = Array.from({ length: 12 }, () => slow.call('read', [], getPod('a')));
    await Promise.all(all.slice(0, 10));
    const sent = server.count('GET');
    // A slow machine takes more than a second, which allows one request more.
    expect(sent).toBeLessThanOrEqual(10 + Math.floor((performance.now() - startedAt) / 1_000));
    expect(sent).toBeGreaterThanOrEqual(10);
    for (const late of all.slice(10)) late.catch(() => {});
    await slow.close();
  });
});
