import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundledProgram } from '../helpers/bundle.ts';
import { type Installation, install } from './installation.ts';
import { namespace } from './objects.ts';

let installation: Installation;

beforeAll(async () => {
  installation = await install();
});

describe('the status page of an installed scheduler', () => {
  it('is opened through the API server, although it listens only on the loopback interface of its pod', async () => {
    const KUBECONFIG = installation.cluster?.kubeconfig ?? process.env.KUBECONFIG;
    const child = execa(process.execPath, [bundledProgram(), 'page', '-n', namespace], {
      reject: false,
      env: { KUBECONFIG },
    });
    const url = await new Promise<string>((resolve) => {
      child.stdout.on('data', (text: Buffer) => {
        const [found] = /http:\/\/localhost:\d+\//.exec(String(text)) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    const page = await (await fetch(url)).text();
    const nodes = await (await fetch(`${url}nodes`)).text();
    child.kill('SIGINT');
    const { exitCode, stderr } = await child;

    expect(page).toContain(`namespace ${namespace}`);
    expect(page).toContain('this scheduler');
    const names = (await installation.kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ');
    for (const name of names) expect(nodes).toContain(`href="/nodes/${name}"`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('answers no other pod and no node (H71)', async () => {
    const selector = 'app.kubernetes.io/name=nodesweep,app.kubernetes.io/component=scheduler';
    const output = ['-o', 'jsonpath={.items[0].status.podIP}'];
    const address = await installation.kubectl('get', 'pods', '-n', namespace, '-l', selector, ...output);
    await expect(fetch(`http://${address}:8081/`, { signal: AbortSignal.timeout(5_000) })).rejects.toThrow();
  });
});
