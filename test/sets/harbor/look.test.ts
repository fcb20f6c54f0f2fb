import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Artifact } from '../../../sets/harbor/look/answers.ts';
import { findGone, updateDepartures } from '../../../sets/harbor/look/departures.ts';
import { buildInventory, type Inventory } from '../../../sets/harbor/look/inventory.ts';
import { emptyMemory, formatMemory, type HarborMemory, parseMemory } from '../../../sets/harbor/look/memory.ts';
import { nextPageOf } from '../../../sets/harbor/look/next-page.ts';
import { readRegistryHost } from '../../../sets/harbor/look/registry.ts';
import { nameVulnerable, selectCandidates } from '../../../sets/harbor/look/vulnerable.ts';
import { severities } from '../../../sets/reasons/severities.ts';

const now = new Date('2026-03-01T10:00:00Z');
const criteria = { severities: ['CRITICAL', 'HIGH'], fixable: false } as const;
const digestOf = (number: number) => `sha256:${number.toString(16).padStart(64, '0')}`;

/** Few digests, repositories and tags, so that they meet often. A tag is unique in its repository, as in Harbor. */
const artifacts: fc.Arbitrary<readonly Artifact[]> = fc
  .uniqueArray(
    fc.record({
      number: fc.nat(6),
      repository: fc.constantFrom('a/one', 'a/two', 'b/one'),
      tags: fc.uniqueArray(fc.constantFrom('1', '2', '__proto__', 'constructor'), { maxLength: 2 }),
      counts: fc.option(
        fc.record({
          CRITICAL: fc.nat(2),
          HIGH: fc.nat(2),
          MEDIUM: fc.nat(2),
          LOW: fc.nat(2),
          NEGLIGIBLE: fc.nat(2),
          UNKNOWN: fc.nat(2),
        }),
        { nil: undefined },
      ),
    }),
    { selector: ({ number, repository }) => `${repository}@${number}`, maxLength: 12 },
  )
  .map((drafts) => {
    const taken = new Set<string>();
    return drafts.map(({ number, repository, tags, counts }, index) => ({
      id: index + 1,
      digest: digestOf(number),
      isImage: true,
      repository,
      tags: tags.filter((tag) => !taken.has(`${repository}:${tag}`) && taken.add(`${repository}:${tag}`)),
      // The digest of an index is that of its content.
      children: number < 3 ? [digestOf(number + 2), digestOf(number + 7)] : [],
      scanState: counts === undefined ? ('NotScanned' as const) : ('Finished' as const),
      scan: counts && { counts: new Map(severities.map((severity) => [severity, counts[severity]])), fixable: 1 },
    }));
  });

const projects = ['a', 'b'];
const inventoryOf = (list: readonly Artifact[]): Inventory => buildInventory(projects, list);
const keepMs = 30 * 86_400_000;

function remember(before: HarborMemory, list: readonly Artifact[]): HarborMemory {
  const inventory = inventoryOf(list);
  const gone = findGone(before.inventory, inventory);
  const departures = updateDepartures(before, gone, { inventory, artifacts: list, now, keepMs });
  return { criteria: '', inventory, departures };
}

const nameAll = (list: readonly Artifact[]) =>
  nameVulnerable(
    { artifacts: list, candidates: selectCandidates(list, criteria), findings: new Map(), before: [] },
    criteria,
  )
    .map(({ image }) => image)
    .toSorted();

describe('what follows from a look at Harbor (S10)', () => {
  it('does not depend on the order of artifacts', () => {
    fc.assert(
      fc.property(artifacts, artifacts, fc.infiniteStream(fc.nat()), (earlier, list, order) => {
        const shuffled = list
          .map((artifact) => ({ artifact, place: order.next().value }))
          .sort((a, b) => a.place - b.place);
        const other = shuffled.map(({ artifact }) => artifact);
        const before = remember(emptyMemory, earlier);
        expect(formatMemory(remember(before, other))).toEqual(formatMemory(remember(before, list)));
        expect(new Set(nameAll(other))).toEqual(new Set(nameAll(list)));
      }),
    );
  });

  it('is remembered as it is', () => {
    fc.assert(
      fc.property(artifacts, artifacts, (earlier, list) => {
        const memory = remember(remember(emptyMemory, earlier), list);
        const read = parseMemory(formatMemory(memory));
        expect(formatMemory(read)).toEqual(formatMemory(memory));
        expect(read.inventory).toEqual(memory.inventory);
      }),
    );
  });

  it('is the same again if the look before was not remembered, and changes nothing in a further look', () => {
    fc.assert(
      fc.property(artifacts, artifacts, (earlier, list) => {
        const before = remember(emptyMemory, earlier);
        const after = remember(before, list);
        expect(formatMemory(remember(before, list))).toEqual(formatMemory(after));
        expect(formatMemory(remember(after, list))).toEqual(formatMemory(after));
      }),
    );
  });

  it('never has a deleted image that any repository has, nor a left one that a tag or an index names', () => {
    fc.assert(
      fc.property(artifacts, artifacts, artifacts, (first, second, list) => {
        const { departures } = remember(remember(remember(emptyMemory, first), second), list);
        const present = new Set(list.flatMap(({ digest, children }) => [digest, ...children]));
        const named = new Set(
          list.flatMap(({ digest, tags, children }) => (tags.length > 0 ? [digest, ...children] : children)),
        );
        for (const { kind, digest } of departures)
          expect((kind === 'Deleted' ? present : named).has(digest)).toBe(false);
        expect(remember(emptyMemory, list).departures).toEqual([]);
      }),
    );
  });

  it('never names an image with a finished scan that found nothing', () => {
    fc.assert(
      fc.property(artifacts, (list) => {
        const named = nameAll(list);
        const found = ({ scan }: Artifact) => (scan?.counts.get('CRITICAL') ?? 0) + (scan?.counts.get('HIGH') ?? 0) > 0;
        const cleared = list.filter((artifact) => artifact.scan !== undefined && !found(artifact));
        const guilty = new Set(list.filter(found).map(({ digest }) => digest));
        expect(cleared.filter(({ digest }) => named.includes(digest) && !guilty.has(digest))).toEqual([]);
        expect([...guilty].filter((digest) => !named.includes(digest))).toEqual([]);
      }),
    );
  });
});

describe('the next page of a list', () => {
  const page = new URL('https://harbor.example.com/api/v2.0/projects/a/repositories/b%252Fc/artifacts?page=1');
  const path = '/api/v2.0/projects/a/repositories/b%252Fc/artifacts';

  it.each([
    [undefined, undefined],
    [`<${path}?page=1>; rel="prev"`, undefined],
    [`<${path}?page=2&q=base=*>; rel="next"`, '?page=2&q=base=*'],
    [`<${path}?page=1>; rel="prev" , <${path}?page=3>; rel="next"`, '?page=3'],
    [`<https://harbor.example.com${path}?page=2>; title="a, b"; rel=next`, '?page=2'],
    ['</api/v2.0/projects/a/repositories/b%2Fc/artifacts?page=2>; rel="last next"', '?page=2'],
  ])('of the header %j has the query %j', (header, search) => {
    expect(nextPageOf(header, page)?.search).toBe(search);
  });

  it('is on the configured server and path, below which the API of Harbor may be', () => {
    const below = new URL(`https://proxy.example.com/harbor${path}?page=1`);
    expect(nextPageOf(`<${path}?page=2>; rel="next"`, below)?.href).toBe(
      `https://proxy.example.com/harbor${path}?page=2`,
    );
    expect(nextPageOf(`<http://harbor.example.com${path}?page=2>; rel="next"`, page)?.protocol).toBe('https:');
  });
});

it.each([
  ['harbor.example.com', 'harbor.example.com'],
  ['https://Harbor.example.com:8443/', 'harbor.example.com:8443'],
  ['localhost', 'localhost'],
  ['harbor', undefined],
  ['a b.example.com', undefined],
  ['', undefined],
])('the registry %j has the host %j in the names of images', (text, host) => {
  expect(readRegistryHost(text)).toBe(host);
});
