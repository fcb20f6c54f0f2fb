import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/**
 * One bridge on this machine for all pods of a cluster. Nothing is forwarded or masqueraded:
 * what is in the cluster reaches this machine and its fellow pods, and nobody else.
 *
 * The bridge's own address is also the first of the service range. That one is the `kubernetes` service's,
 * which every pod is told as KUBERNETES_SERVICE_HOST, at port 443. The API server listens right there,
 * so the installed manifests find it unchanged, without kube-proxy and without a firewall rule.
 */
export interface Network {
  readonly bridge: string;
  /** The API server's and the kubelets' address. */
  readonly address: string;
  readonly serviceRange: string;
  readonly podRange: string;
  readonly firstPodAddress: string;
  /** A loopback address of the cluster's own, for what no pod may reach. Its ports are free. */
  readonly loopback: string;
}

const LAST = 250;

/** Makes the bridge: the first free number of this machine becomes the cluster's. */
export async function createNetwork(directory: string): Promise<Network> {
  await mkdir(directory, { recursive: true });
  for (let number = 1; number <= LAST; number += 1) {
    const network = numbered(number);
    if (existsSync(`/sys/class/net/${network.bridge}`)) continue;
    await writeFile(join(directory, 'network.json'), JSON.stringify(network));
    await execa('ip', ['link', 'add', network.bridge, 'type', 'bridge']);
    await execa('ip', ['address', 'add', `${network.address}/24`, 'dev', network.bridge]);
    await execa('ip', ['link', 'set', network.bridge, 'up']);
    return network;
  }
  throw new Error(`All ${LAST} bridges for test clusters exist: stop a cluster`);
}

/** The network of the cluster in that directory, if there is one. */
export async function readNetwork(directory: string): Promise<Network | undefined> {
  const text = await readFile(join(directory, 'network.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

/** Removes the bridge, if it is still there. */
export async function removeNetwork({ bridge }: Network): Promise<void> {
  if (existsSync(`/sys/class/net/${bridge}`)) await execa('ip', ['link', 'delete', bridge]);
}

function numbered(number: number): Network {
  const prefix = `10.197.${number}`;
  return {
    bridge: `nodesweep${number}`,
    address: `${prefix}.1`,
    serviceRange: `${prefix}.0/27`,
    podRange: `${prefix}.0/24`,
    firstPodAddress: `${prefix}.32`,
    loopback: `127.197.${number}.1`,
  };
}
