import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { describeFilling, fillDisks } from './fill.ts';
import { imageTables, readImages } from './lists.ts';
import { nodeStory } from './node-story.ts';
import { createNodes, createRegistry, type DemoNode } from './nodes.ts';
import { applyLists, listDocument, listPolicy, policyDocument, requestRun } from './policy.ts';
import { followLists, followRun, type NodeResult } from './run.ts';
import { type DemoScheduler, startScheduler } from './scheduler.ts';
import { Screen } from './screen.ts';
import { diskLine, heading, introduceLists, introduction } from './story.ts';
import { summaryTable } from './summary.ts';
import { findFlaws, findListFlaws } from './verdict.ts';

const rounds = [1, 2, 3];
/** Far more than it takes, for a busy machine. */
const limitMs = 150_000;
const redrawMs = 200;

const { values } = parseArgs({
  options: { pause: { type: 'string', default: '4' }, page: { type: 'boolean', default: false } },
});
const pauseSeconds = Number(values.pause);
const screen = new Screen(process.stdout);
const teller = {
  onNode: (result: NodeResult) => screen.print(...nodeStory(result)),
  onTrouble: (message: string) => screen.print(styleText('yellow', message)),
  onPage: (url: string) => screen.print('', styleText('bold', `The status page is at ${url}`)),
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

/**
 * Three runs on three nodes whose disks fill up in between, and then image lists; rejects where they don't do what they
 * should.
 */
async function playDemo(directory: string): Promise<void> {
  const nodes = createNodes(directory);
  createRegistry(directory);
  const policies = join(directory, 'policies');
  const document = policyDocument(Math.floor(pauseSeconds));
  screen.print(...introduction(document));
  requestRun(policies, document, 'round 1');
  const scheduler = startScheduler({ directory, policies, hasPage: values.page }, nodes);
  const redraw = setInterval(() => screen.setLive(diskLine(nodes)), redrawMs);
  try {
    const request = (name: string) => requestRun(policies, document, name);
    const runs = await Promise.race([playRounds(nodes, scheduler, request), stopped()]);
    screen.setLive('');
    screen.print(...heading('summary'), ...summaryTable(runs));
    refuseFlaws(findFlaws(nodes, runs));
    screen.print(...introduceLists(listDocument));
    applyLists(policies);
    await Promise.race([playLists(nodes, scheduler, { state: join(directory, 'state'), request }), stopped()]);
    if (values.page) await keepPage(scheduler);
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
    runs.push(await followRun(lines, (start) => start.request === `round ${round}`, teller));
  }
  return runs;
}

interface Scene {
  /** The directory with the records of the scheduler. */
  readonly state: string;
  readonly request: (name: string) => void;
}

/** A run over the lists, and then one more run of the cleaning policy. */
async function playLists(
  nodes: readonly DemoNode[],
  { lines }: DemoScheduler,
  { state, request }: Scene,
): Promise<void> {
  await followLists(lines, listPolicy, teller);
  const images = await readImages(state);
  screen.print('', ...imageTables(images), ...heading('one more cleaning run'));
  request('with lists');
  await followRun(lines, (start) => start.request === 'with lists', teller);
  refuseFlaws(findListFlaws(nodes, images));
}

/** Keeps the status page up until somebody ends the demo, which is its end as planned. */
async function keepPage({ lines }: DemoScheduler): Promise<void> {
  clearTimeout(limit);
  screen.print('', styleText('bold', 'The status page stays up. Press Ctrl-C to end the demo.'));
  await Promise.race([drain(lines), stopped().catch(() => {})]);
}

/** Reads on, because a process whose lines nobody reads would wait. */
async function drain(lines: DemoScheduler['lines']): Promise<void> {
  for (;;) await lines.next();
}

function refuseFlaws(flaws: readonly string[]): void {
  if (flaws.length > 0) throw new Error(flaws.join('; '));
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
