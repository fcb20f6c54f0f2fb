import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeRun } from '../../../scheduler/overview/overview.ts';
import { answerPage, type PageRequest } from '../../../scheduler/page/answer.ts';
import type { CleanerLog } from '../../../scheduler/page/cleaner-log.ts';
import type { PageFacts } from '../../../scheduler/page/facts.ts';
import { links } from '../../../scheduler/page/links.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import { buildCleanerLog, buildPageFacts, buildSetLog, withImageSets } from '../../helpers/page-facts.ts';

const small = buildPageFacts(40);
const ask = (
  target: string,
  facts: PageFacts = small,
  request: Partial<PageRequest> = {},
  hosts: readonly string[] = [],
) => answerPage({ method: 'GET', host: 'localhost:8081', target, ...request }, () => facts, hosts);
const textOf = (target: string, facts?: PageFacts) =>
  ask(target, facts)
    .body.replaceAll('<wbr>', '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

function runNamed(name: string): Run | undefined {
  return small.state.runs.find(({ value }) => value.name === name)?.value;
}

/** The facts with other messages on the nodes on which the cleaner did not start. */
function withMessages(facts: PageFacts, messageOf: (node: string, index: number) => string): PageFacts {
  const runs = facts.state.runs.map(({ value, ...version }) => {
    let index = 0;
    const nodes = [...value.nodes].map(([name, node]) => {
      const isMeant = node.state === 'Settled' && node.reason === 'NotStarted';
      return [name, isMeant ? { ...node, message: messageOf(name, index++) } : node] as const;
    });
    return { ...version, value: { ...value, nodes: new Map(nodes) } };
  });
  return { ...facts, state: { ...facts.state, runs } };
}

/** The run without the first of its nodes that failed. */
function withoutFirstProblem<R extends PageFacts['state']['runs'][number]>(run: R): R {
  const nodes = [...run.value.nodes];
  const [first] = nodes.find(([, node]) => node.state === 'Settled' && node.reason === 'NotStarted') ?? [];
  return { ...run, value: { ...run.value, nodes: new Map(nodes.filter(([name]) => name !== first)) } };
}

/** The causes of a page that open to their nodes. */
function causesIn(body: string): readonly string[] {
  return body.match(/<details id="cause-[\s\S]*?<\/details>/g) ?? [];
}

function idsOf(causes: readonly string[]): readonly string[] {
  return causes.map((cause) => /id="([^"]*)"/.exec(cause)?.[1] ?? '');
}

/** The addresses that a document names: links, forms and files. */
function addressesIn(body: string): string[] {
  return [...body.matchAll(/\b(?:href|src|action)="([^"#][^"]*)"/g)].map(([, address = '']) =>
    address.replaceAll('&amp;', '&'),
  );
}

/** Follows every link from the first page on. */
function crawl(facts: PageFacts): Map<string, ReturnType<typeof ask>> {
  const answers = new Map<string, ReturnType<typeof ask>>();
  const queue: string[] = [links.overview];
  for (let target = queue.pop(); target !== undefined; target = queue.pop()) {
    if (answers.has(target)) continue;
    const answer = ask(target, facts);
    answers.set(target, answer);
    if (answer.headers['content-type']?.startsWith('text/html')) queue.push(...addressesIn(answer.body));
  }
  return answers;
}

describe('the status page', () => {
  it('has an address for everything, and every link leads to something on this server (H70)', () => {
    const answers = crawl(small);
    expect(
      [...answers]
        .filter(([target, { status }]) => status !== 200 || !target.startsWith('/'))
        .map(([target]) => target),
    ).toEqual([]);
    expect(answers.size).toBeGreaterThan(60);
    for (const target of [
      links.node(small.state.nodes[0]?.name ?? ''),
      links.policy('broken'),
      links.run('ci-1'),
      links.image('base', 'docker.io/acme/worker:2'),
    ])
      expect(answers.has(target)).toBe(true);
  });

  it('shows the policies, their problems and the run in progress with its waves (C32)', () => {
    expect(textOf(links.overview)).toMatch(/ci Valid 0 \* \* \* \* in \d+m/);
    expect(textOf(links.overview)).toMatch(/broken Invalid/);
    expect(textOf(links.policy('broken'))).toContain('schedule : minute: 61');
    expect(textOf(links.overview)).toMatch(/Canary nodes that must succeed first: 2 of 2 ended/);
    expect(textOf(links.overview)).toMatch(/The other nodes, at most 10% at a time: 11 of 38 ended \(now\)/);
  });

  it('shows problems with image sets, and the images of a run by set (S6, S7)', () => {
    const message = 'images.excludeFrom[0]: image set frozen does not exist';
    const facts = withImageSets(small, message);
    expect(textOf(links.overview, facts)).toMatch(/nightly Valid SetMissing/);
    expect(textOf(links.overview)).not.toContain('SetMissing');
    expect(textOf(links.policy('nightly'), facts)).toContain(`SetMissing ${message}`);
    expect(textOf(links.run('nightly-1'), facts)).toMatch(
      /Image sets cve-critical \(\d+ removed\), frozen \(\d+ kept\)/,
    );
    expect(textOf(links.run('nightly-1'))).not.toContain('Image sets');
  });

  it('shows the image set and its words for each image of a node that a set decided about (S7)', () => {
    const log = { pod: 'nightly-3-abcdef', run: 'nightly-3', text: buildSetLog() };
    const page = textOf(links.node(small.state.nodes[0]?.name ?? ''), { ...small, log });
    expect(page).toContain('image set cve-critical: CVE-2026-1234 critical, by harbor');
    expect(page).toContain('Excluded : image set frozen: release 12, until the audit ends');
  });

  it('shows the fullest nodes first, with their thresholds and the numbers of the last runs', () => {
    const percents = [...ask(links.nodes).body.matchAll(/(\d+) % <span class="more">of/g)].map(([, percent]) =>
      Number(percent),
    );
    expect(percents.length).toBeGreaterThan(30);
    expect(percents).toEqual(percents.toSorted((one, other) => other - one));
    expect(textOf(links.overview)).toContain('70 to 85 %');
    expect(ask(links.overview).body).toMatch(/<title>\d+ to \d+ %, then \d+ to \d+ %, then \d+ to \d+ %<\/title>/);
  });

  it('shows a disk as the newest run with a measure of it has left it, and the measures of older runs beside it', () => {
    const [node = ''] = [...(runNamed('nightly-1')?.nodes.keys() ?? [])];
    const runs = small.state.runs.map(({ value, ...version }) => {
      const nodes = [...value.nodes].filter(([name]) => value.name !== 'nightly-3' || name !== node);
      return { ...version, value: { ...value, nodes: new Map(nodes) } };
    });
    const body = ask(links.node(node), { ...small, state: { ...small.state, runs } }).body;
    const measures = [
      ...body.matchAll(/>(nightly-\d)<\/a><\/th><td[^>]*><time[^>]*>[^<]*<\/time><\/td><td[^>]*>\d+ %/g),
    ];
    expect(measures.map(([, run]) => run)).toEqual(['nightly-2', 'nightly-1']);
    const shown = ask(links.nodesPage({ name: node }), { ...small, state: { ...small.state, runs } }).body;
    expect(shown).toMatch(/<title>\d+ to \d+ %, then \d+ to \d+ %<\/title>/);
  });

  it('groups causes, and opens each to its nodes', () => {
    const [opened = ''] = causesIn(ask(links.overview).body).filter((cause) => cause.includes('NotStarted'));
    expect(opened).toContain('NotStarted</strong> on 4 nodes');
    expect(opened.match(/href="\/nodes\//g)).toHaveLength(4);
    expect(textOf(links.nodesOfRun('nightly-3', { state: 'Failed', reason: 'NotStarted' }))).toContain('4 nodes');
  });

  it('groups causes as the command line does: by their messages, without numbers and the name of the node (C32)', () => {
    const messageOf = (node: string, index: number) =>
      index % 2 === 0 ? `${node}: no socket after ${index} s` : 'acme/cleaner:1: not found';
    const facts = withMessages(small, messageOf);
    const { body } = ask(links.run('nightly-3'), facts);
    const causes = causesIn(body).filter((cause) => cause.includes('NotStarted'));
    expect(causes.map((cause) => cause.match(/href="\/nodes\//g)?.length)).toEqual([2, 2]);
    expect(causes.filter((cause) => cause.includes('In the words of the first node: '))).toHaveLength(1);
    expect(new Set(idsOf(causes)).size).toBe(2);
    const [run] = facts.state.runs.filter(({ value }) => value.name === 'nightly-3');
    if (run === undefined) throw new Error('there is no run');
    expect(describeRun(run.value).causes.filter(({ reason }) => reason === 'NotStarted')).toMatchObject(
      causes.map((cause) => ({ count: 2, isExact: !cause.includes('In the words') })),
    );
  });

  it('gives a cause the same address after nodes came and went, so that it stays open', () => {
    const idsIn = (facts: PageFacts) => idsOf(causesIn(ask(links.overview, facts).body));
    const fewer = { ...small, state: { ...small.state, runs: small.state.runs.map(withoutFirstProblem) } };
    expect(idsIn(fewer)).toEqual(idsIn(small));
  });

  it('adds up what keeps disk by reason, and shows the nodes that miss an image first', () => {
    expect(textOf(links.overview)).toMatch(/InUse [\d.]+ TiB \d+ .*TooYoung [\d.]+ GiB \d+ .*Pinned [\d.]+ GiB/);
    expect(textOf(links.image('base', 'docker.io/acme/worker:2'))).toMatch(
      /State Cause or digest \S+ Failed Unauthorized Unauthorized: no such socket/,
    );
  });

  it('tells how to see the decisions about the images of a node, which only the cleaner has logged', () => {
    const { name = '' } = small.state.nodes[0] ?? {};
    expect(textOf(links.node(name))).toContain(`nodesweep plan nightly --node ${name} -n nodesweep`);
    expect(textOf(links.node(name))).toMatch(/kubectl logs -n nodesweep nightly-3-\w+ -c cleaner/);
    expect(textOf(links.node(name))).toContain('docker.io/acme/web:1 RemovalFailed');
    expect(textOf(links.node(name), { ...small, place: { kind: 'Local' } })).not.toContain('kubectl');
  });

  it('opens a node to its images: size, times, decision and reason, removals first', () => {
    const { name = '' } = small.state.nodes[0] ?? {};
    const log = { pod: 'nightly-3-abcdef', run: 'nightly-3', text: buildCleanerLog() };
    const text = textOf(links.node(name), { ...small, log });
    expect(text).toMatch(
      /batch:7 4\.8 GiB 4\.8 GiB 4h ago – removed – docker\.io\/acme\/web:1 and 1 more 400\.5 MiB 400\.5 MiB 4h ago 3h ago failed RemovalFailed RemovalFailed : no such socket sha256:3{12}… without a name 11\.2 GiB 11\.2 GiB 4h ago 3h ago kept InUse InUse : a container uses it/,
    );
    expect(text).toContain('3 images');
    expect(text).not.toContain('not complete');
  });

  it('says if the log of a cleaner is cut off, has no image, or can not be read', () => {
    const { name = '' } = small.state.nodes[0] ?? {};
    const textWith = (log: Partial<CleanerLog>) =>
      textOf(links.node(name), { ...small, log: { pod: 'x', run: 'nightly-3', text: undefined, ...log } });
    const [begun = '', ...lines] = buildCleanerLog().split('\n');
    expect(textWith({ text: [begun, ...lines.slice(0, 2)].join('\n') })).toContain('Its log is not complete');
    expect(textWith({ text: begun })).toContain('The log of the cleaner of run nightly-3 has no image.');
    expect(textWith({ problem: '403' })).toContain('can not be read: 403');
    expect(textWith({})).toContain('can not be read: it is gone');
  });

  it('says if nobody leads, if the view is old, and if records can not be read', () => {
    const unreadable = [{ policy: 'nightly', run: 'x', configMap: 'x.run', cause: 'cut off' }];
    const sick = {
      ...small,
      health: { isCurrent: false, leader: 'Unknown' as const },
      state: { ...small.state, unreadable },
    };
    expect(textOf(links.overview, sick)).toMatch(
      /unknown: the lease can not be read .* not up to date .* 1 can not be read .* x\.run: cut off/,
    );
    expect(textOf(links.overview)).toMatch(/this scheduler .* up to date .* all are read/);
  });

  it('works without any policy, run or node', () => {
    const none = { ...small, state: { policies: [], statuses: new Map(), runs: [], nodes: [], pods: [] } };
    expect([...crawl(none).values()].map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(textOf(links.overview, none)).toContain('There are no policies.');
  });

  it('keeps the runs of a deleted policy, and a node that has left the cluster', () => {
    const left = { ...small, state: { ...small.state, policies: [], nodes: [] } };
    expect(textOf(links.policy('nightly'), left)).toContain('The policy is deleted.');
    expect(textOf(links.node(small.state.nodes[0]?.name ?? ''), left)).toContain(
      'The node is not in the cluster any more.',
    );
    expect([...crawl(left)].filter(([, { status }]) => status !== 200).map(([target]) => target)).toEqual([]);
  });
});

describe('the size of the status page (H71)', () => {
  const large = buildPageFacts(5_000);

  it.each([
    links.overview,
    links.nodes,
    links.nodesPage({ page: 17 }),
    links.policy('nightly'),
    links.policy('base'),
    links.image('base', 'docker.io/acme/worker:2'),
    links.run('nightly-3'),
    links.nodesOfRun('nightly-3', { state: 'Failed' }),
    links.node('ip-10-0-0-0.eu-central-1.compute.internal'),
  ])('with 5,000 nodes, %s has less than 300 kB', (target) => {
    const { status, body } = ask(target, large);
    expect(status).toBe(200);
    expect(Buffer.byteLength(body)).toBeLessThan(300_000);
  });

  it('with 5,000 nodes, each with a cause of its own, a page has less than 300 kB and says how many more there are', () => {
    const facts = withMessages(large, (node) => `no image ${node}-x/y: ${'z'.repeat(200)}`);
    for (const target of [links.overview, links.policy('nightly'), links.run('nightly-3')]) {
      const { body } = ask(target, facts);
      expect(Buffer.byteLength(body)).toBeLessThan(300_000);
      expect(causesIn(body)).toHaveLength(20);
      expect(body).toMatch(/And \d+ more causes: see the /);
    }
  });
});

describe('a request for the status page', () => {
  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'CONNECT'])('with %s is refused (H70)', (method) => {
    expect(ask('/', small, { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  it.each(['localhost', 'localhost:8081', '127.0.0.1:1', '[::1]:8081', '10.1.2.3', 'LOCALHOST:80'])(
    'for the host %s is answered',
    (host) => {
      expect(ask('/', small, { host }).status).toBe(200);
    },
  );

  it.each([
    'evil.example.com',
    'localhost.evil.com',
    '127.0.0.1.evil.com',
    '',
    undefined,
    'evil.com:127.0.0.1',
    '[::1].evil.com',
    'localhost@evil.com',
  ])('for the host %s is refused, because the web site of somebody else may have that name (H70)', (host) => {
    expect(ask('/', small, { host })).toMatchObject({
      status: 421,
      body: expect.stringContaining('NODESWEEP_PAGE_HOSTS'),
    });
  });

  it('for a host of the settings is answered', () => {
    expect(ask('/', small, { host: 'sweep.example.com' }, ['sweep.example.com']).status).toBe(200);
  });

  it('is answered with headers that forbid all that the page does not need, and without a cookie (H70)', () => {
    for (const target of ['/', links.stylesheet, links.script, links.icon, '/nothing']) {
      const { headers } = ask(target);
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'self'; script-src 'self';/);
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['content-security-policy']).not.toMatch(/unsafe|https?:|\*/);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      });
      expect(Object.keys(headers)).not.toContain('set-cookie');
      expect(Object.keys(headers)).not.toContain('access-control-allow-origin');
    }
  });

  it('for something that is not there, or that can not be read, is answered with 4xx', () => {
    expect(
      [
        '/x',
        '/nodes/x',
        '/policies/x',
        '/runs/x',
        '/runs/x/nodes',
        '/policies/base/images/x',
        '/nodes/a/b/c/d/e',
        '/constructor',
        '/__proto__',
      ].map((target) => ask(target).status),
    ).toEqual(Array(9).fill(404));
    const unreadable = ['/%', '/%ff', 'http://elsewhere/', '*', `/nodes?name=${'://'.repeat(5_000)}`];
    expect(unreadable.map((target) => ask(target).status)).toEqual(Array(5).fill(400));
  });

  it('for any address is answered, and with HTML that the address is no part of', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webPath(),
          fc.webQueryParameters().map((query) => `/nodes?name=${query}&page=${query}`),
        ),
        (path) => {
          const { status, body } = ask(`/${path}`);
          expect([200, 400, 404]).toContain(status);
          expect(tagsOf(body).filter((tag) => !tags.includes(tag))).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });
});

const tags =
  'html head meta title link script body a header nav p main section h1 h2 h3 div table caption thead tbody tr th td dl dt dd span svg rect polyline time ul ol li code details summary strong footer form label input button wbr'.split(
    ' ',
  );
const tagsOf = (body: string) => [...body.matchAll(/<\/?([^\s>!/]+)/g)].map(([, tag = '']) => tag);

it('names and messages are never read as HTML, and never as a part of an address (H70)', () => {
  const hostile = fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onload='x",
    '../../metrics',
    '..',
    '?x#y',
    'a/b',
    '&lt;',
    '\u202egnp',
    '%2e%2e',
    '\ud800',
  );
  const texts = fc.oneof(hostile, fc.string({ unit: 'binary', minLength: 1 }));
  fc.assert(
    fc.property(texts, texts, (name, words) => {
      // The API server speaks UTF-8, in which no name has half of a character.
      const log = { pod: name, run: 'nightly-3', text: buildCleanerLog(words) };
      const facts = { ...buildPageFacts(12, (index) => `${name.toWellFormed()}${index}`, words), log };
      for (const [target, { status, body, headers }] of crawl(facts)) {
        expect(`${status} ${target}`).toBe(`200 ${target}`);
        if (!headers['content-type']?.startsWith('text/html')) continue;
        expect(tagsOf(body).filter((tag) => !tags.includes(tag))).toEqual([]);
        expect(body).not.toMatch(/<[^>]*\s(?:on\w+|style)=/);
      }
    }),
    { numRuns: 15 },
  );
});

it('the user, the password and the signature of an address are not shown (H70)', () => {
  const facts = buildPageFacts(
    12,
    undefined,
    'could not pull https://user:hunter2@registry.example.com/v2/x?X-Amz-Signature=deadbeef&y=1',
  );
  for (const { body } of crawl(facts).values()) expect(body).not.toMatch(/hunter2|deadbeef/);
  expect(textOf(links.nodesOfRun('nightly-3', { state: 'Failed' }), facts)).toContain(
    'https://…@registry.example.com/v2/x?…',
  );
});
