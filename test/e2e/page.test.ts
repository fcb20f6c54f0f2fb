import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../cluster/wait.ts';
import { bundledProgram } from '../helpers/bundle.ts';
import { type Installation, install } from './installation.ts';
import { buildPolicy, namespace, waitForRun } from './objects.ts';

const policy = 'shown';
let installation: Installation;

beforeAll(async () => {
  installation = await install();
});
afterAll(() => installation.kubectl('delete', '-n', namespace, 'configmap', policy, '--ignore-not-found'));

/** Opens the page as somebody does who looks at the cluster from outside. `close` presses Ctrl-C. */
async function openPage() {
  const KUBECONFIG = installation.cluster?.kubeconfig ?? process.env.KUBECONFIG;
  const args = [bundledProgram(), 'page', '-n', namespace];
  const child = execa(process.execPath, args, { reject: false, env: { KUBECONFIG } });
  let said = '';
  child.stdout.on('data', (text: Buffer) => {
    said += String(text);
  });
  const url = await waitFor('the address of the page', 60_000, async () => /http:\/\/localhost:\d+\//.exec(said)?.[0]);
  const read = async (path: string) => (await fetch(new URL(path, url))).text();
  const close = async () => {
    child.kill('SIGINT');
    const { exitCode, stderr } = await child;
    return { exitCode, stderr };
  };
  return { read, close };
}

describe('the status page of an installed scheduler', () => {
  it('is opened through the API server, although it listens only on the loopback interface of its pod (H71)', async () => {
    const { read, close } = await openPage();
    const [page, nodes] = [await read('/'), await read('/nodes')];
    expect(await close()).toEqual({ exitCode: 0, stderr: '' });

    expect(page).toContain(`namespace ${namespace}`);
    expect(page).toContain('this scheduler');
    const names = (await installation.kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ');
    for (const name of names) expect(nodes).toContain(`href="/nodes/${name}"`);
  });

  it('shows the disk of a node and the decision about each of its images, which only the log of the cleaner has', async () => {
    const name = await installation.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}');
    const nodes = { matchLabels: { 'kubernetes.io/hostname': name } };
    await installation.apply(
      buildPolicy(policy, { schedule: '@yearly', dryRun: true, nodes }, { 'nodesweep.io/run-at': 'look' }),
    );
    const { run } = await waitForRun(installation.kubectl, policy);
    const { read, close } = await openPage();
    const page = await waitFor('the images of the node', 60_000, async () => {
      const text = await read(`/nodes/${name}`);
      return text.includes('Images of the node with decisions') ? text : undefined;
    });
    await close();

    expect(page).toContain(`As the cleaner of run <a href="/runs/${run}">${run}</a> has left them`);
    expect(page).toMatch(/<span class="mark \w+">(?:kept|planned)<\/span>/);
    expect(page).toMatch(/Disk usage before and after each run[\s\S]*\d+ % <span class="more">of [\d.]+ \wi?B/);
    expect(page).not.toContain('Its log is not complete');
  });

  it('answers no other pod and no node (H71)', async () => {
    const selector = 'app.kubernetes.io/name=nodesweep,app.kubernetes.io/component=scheduler';
    const output = ['-o', 'jsonpath={.items[0].status.podIP}'];
    const address = await installation.kubectl('get', 'pods', '-n', namespace, '-l', selector, ...output);
    await expect(fetch(`http://${address}:8081/`, { signal: AbortSignal.timeout(5_000) })).rejects.toThrow();
  });
});
