import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execaNode } from 'execa';
import { simulatedCrictl, simulatedStatfs } from '../fixtures/simulated/node.ts';
import { type LogLine, readLine } from './log-line.ts';
import type { DemoNode } from './nodes.ts';

const nodesweep = fileURLToPath(new URL('../../main.ts', import.meta.url));

/** The real scheduler, which starts the real cleaner: only crictl and the size of the disk are stand-ins. */
export interface DemoScheduler {
  /** All that it and its cleaners log; throws where they end before they are told to. */
  readonly lines: AsyncIterator<LogLine, void>;
  /** Ends it, and resolves once it and its cleaners are gone. */
  stop(): Promise<void>;
}

/** Starts it on nodes, with a status page if `hasPage`. */
export function startScheduler(
  {
    directory,
    policies,
    hasPage,
  }: { readonly directory: string; readonly policies: string; readonly hasPage: boolean },
  nodes: readonly DemoNode[],
): DemoScheduler {
  const endpoints = nodes.map(({ name, file }) => `${name}=unix://${file}`);
  const page = hasPage ? ['--page', '0'] : [];
  const args = [
    'local',
    ...page,
    '--policies',
    policies,
    '--state',
    join(directory, 'state'),
    '--endpoint',
    ...endpoints,
  ];
  const child = execaNode(nodesweep, args, {
    // The cleaners are started with the same options of Node.js, so they see the simulated disks.
    nodeOptions: ['--import', simulatedStatfs],
    env: { CRICTL: simulatedCrictl, PATH: `${dirname(process.execPath)}:${process.env.PATH}` },
    ipc: false,
    stdin: 'ignore',
    reject: false,
    forceKillAfterDelay: 10_000,
  });
  return {
    lines: readLines(child.iterable()),
    stop: async () => {
      child.kill('SIGTERM');
      await child;
    },
  };

  async function* readLines(texts: AsyncIterable<string>) {
    for await (const text of texts) yield readLine(text);
    const { exitCode, stderr } = await child;
    throw new Error(`the scheduler ended by itself with exit code ${exitCode}: ${stderr}`);
  }
}
