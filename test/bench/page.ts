import { answerPage } from '../../scheduler/page/answer.ts';
import { links } from '../../scheduler/page/links.ts';
import { buildPageFacts } from '../helpers/page-facts.ts';

/** The pages of the status page with 5,000 nodes: the time of the first answer, that of a further one, and its size. */
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

for (const target of targets) {
  const first = ask(target);
  const further = Array.from({ length: repetitions }, () => ask(target).milliseconds).toSorted((a, b) => a - b);
  const median = further[repetitions / 2] ?? Number.NaN;
  const kilobytes = Math.round(first.bytes / 1_000);
  console.log(`${target}: first ${Math.round(first.milliseconds)} ms, then ${Math.round(median)} ms, ${kilobytes} kB`);
}

function ask(target: string): { readonly milliseconds: number; readonly bytes: number } {
  const startedAt = performance.now();
  const { body } = answerPage({ method: 'GET', host: 'localhost', target }, () => facts, []);
  return { milliseconds: performance.now() - startedAt, bytes: Buffer.byteLength(body) };
}
