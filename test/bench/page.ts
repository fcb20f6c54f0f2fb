import { loadavg } from 'node:os';
import { answerPage } from '../../scheduler/page/answer.ts';
import { links } from '../../scheduler/page/links.ts';
import { buildPageFacts } from '../helpers/page-facts.ts';

/**
 * The pages of the status page with 5,000 nodes: the time of the first answer, that of a further one, and its size. Times in
 * parentheses are those of the processor, which other work on the machine lengthens less.
 */
const facts = buildPageFacts(5_000);
const targets = [
  links.overview,
  links.nodes,
  links.policy('nightly'),
  links.policy('base'),
  links.image('base', 'docker.io/acme/worker:2'),
  links.run('nightly-3'),
  links.nodesOfRun('nightly-3', { state: 'Failed' }),
];
const repetitions = 10;

interface Times {
  readonly elapsedMs: number;
  readonly processorMs: number;
}

for (const target of targets) {
  const first = ask(target);
  const further = Array.from({ length: repetitions }, () => ask(target)).toSorted((a, b) => a.elapsedMs - b.elapsedMs);
  const median = further[repetitions / 2] ?? first;
  const kilobytes = Math.round(first.bytes / 1_000);
  console.log(`${target}: first ${describe(first)}, then ${describe(median)}, ${kilobytes} kB`);
}
console.log(
  `load average of the machine: ${loadavg()
    .map((load) => load.toFixed(1))
    .join(', ')}`,
);

function ask(target: string): Times & { readonly bytes: number } {
  const startedAt = performance.now();
  const before = process.threadCpuUsage();
  const { body } = answerPage({ method: 'GET', host: 'localhost', target }, () => facts, []);
  const { user, system } = process.threadCpuUsage(before);
  const elapsedMs = performance.now() - startedAt;
  return { elapsedMs, processorMs: (user + system) / 1_000, bytes: Buffer.byteLength(body) };
}

function describe({ elapsedMs, processorMs }: Times): string {
  return `${Math.round(elapsedMs)} ms (${Math.round(processorMs)} ms)`;
}
