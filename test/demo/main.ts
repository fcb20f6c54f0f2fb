import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { describeFilling, fillDisks } from './fill.ts';
import { nodeStory } from './node-story.ts';
import { createNodes, type DemoNode } from './nodes.ts';
import { policyDocument, requestRun } from './policy.ts';
import { followRun, type NodeResult } from './run.ts';
import { type DemoScheduler, startScheduler } from './scheduler.ts';
import { Screen } from './screen.ts';
import { diskLine, heading, introduction } from './story.ts';
import { summaryTable } from './summary.ts';
import { findFlaws } from './verdict.ts';

const rounds = [1, 2, 3];
const limitMs = 60_000;
const redrawMs = 200;

const { values } = parseArgs({ options: { pause: { type: 'string', default: '4' } } });
const pauseSeconds = Number(values.pause);
const screen = new Screen(process.stdout);
const teller = {
  onNode: (result: NodeResult) => screen.print(...nodeStory(result)),
  onTrouble: (message: string) => screen.print(styleText('yellow', message)),
};
const stop = new AbortController();
// npm passes a Ctrl-C on that has already arrived: only the first counts, and every later one is no reason to hurry.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));
// Nobody reads any more, as with `| head` or a terminal that was closed.
process.stdout.on('error', (error) => stop.abort(error));
process.stderr.on('error', () => {});
const limit = setTimeout(() => stop.abort(new Error(`not done after ${limitMs / 1000} s`)), limitMs).unref();

try {
  await inTemporaryDirectory(playDemo);
  screen.print('', 'For real: kubectl apply -k manifests, and a policy as in manifests/policies');
} catch (error) {
  screen.setLive('');
  console.error(
    styleText('red', `The demo ended early: ${error instanceof Error ? error.message : error}`, {
      stream: process.stderr,
    }),
  );
  process.exitCode = 1;
} finally {
  clearTimeout(limit);
}

/** Three runs on three nodes whose disks fill up in between; rejects where they don't do what they should. */
async function playDemo(directory: string): Promise<void> {
  const nodes = createNodes(directory);
  const policies = join(directory, 'policies');
  const document = policyDocument(Math.floor(pauseSeconds));
  screen.print(...introduction(document));
  requestRun(policies, document, 'round 1');
  const scheduler = startScheduler(directory, policies, nodes);
  const redraw = setInterval(() => screen.setLive(diskLine(nodes)), redrawMs);
  try {
    const rounds = playRounds(nodes, scheduler, (request) => requestRun(policies, document, request));
    const runs = await Promise.race([rounds, stopped()]);
    screen.setLive('');
    screen.print(...heading('summary'), ...summaryTable(runs));
    const flaws = findFlaws(nodes, runs);
    if (flaws.length > 0) throw new Error(flaws.join('; '));
  } finally {
    clearInterval(redraw);
    screen.setLive('');
    await scheduler.stop();
  }
}

async function playRounds(
  nodes: readonly DemoNode[],
  { lines }: DemoScheduler,
  request: (name: string) => void,
): Promise<NodeResult[][]> {
  const runs: NodeResult[][] = [];
  for (const round of rounds) {
    if (round > 1) {
      screen.print('', styleText('dim', `… ${describeFilling(round)}`));
      await fillDisks(nodes, round, pauseSeconds, stop.signal);
    }
    request(`round ${round}`);
    screen.print(...heading(`run ${round} of ${rounds.length}`));
    runs.push(await followRun(lines, `round ${round}`, teller));
  }
  return runs;
}

function stopped(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const { signal } = stop;
  if (signal.aborted) reject(signal.reason);
  else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}

async function inTemporaryDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'nodesweep-demo-'));
  try {
    await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
