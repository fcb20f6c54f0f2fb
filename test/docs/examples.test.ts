import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { judgeBy } from '../../cleaner/plan/judge.ts';
import { makeKeepRules } from '../../cleaner/plan/keep-rules.ts';
import type { FoundSet } from '../../cleaner/sets/found-set.ts';
import { compileSets } from '../../cleaner/sets/policy-sets.ts';
import { jobSchema } from '../../contract/job.ts';
import { cleanupJob } from '../../scheduler/cleanup/job.ts';
import { type CleanupDocument, cleanupSchema } from '../../scheduler/cleanup/policy.ts';
import {
  buildFacts,
  buildHistory,
  buildImage,
  buildInUse,
  buildInventory,
  dayMs,
  minuteMs,
  now,
} from '../helpers/inventory.ts';
import { codeBlocks, readDocument } from './documents.ts';

/** An image on a node. By default it was pulled and last used 100 days ago, and the disk is full. */
interface Situation {
  readonly name: string;
  /** True if it was built or loaded on the node. */
  readonly isLoaded?: boolean;
  readonly isUsed?: boolean;
  readonly unusedMs?: number;
  readonly isOfWorkload?: boolean;
  readonly usedPercent?: number;
  /** The number of newer images of the same repository on the node. */
  readonly newer?: number;
}

const digest = `sha256:${'a'.repeat(64)}`;

interface Block extends CleanupDocument {
  readonly metadata?: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
}

function blocksIn(page: string, text: string): readonly Block[] {
  return codeBlocks({ path: page, text }, 'yaml').map((block) => parse(block));
}

/** The cleanup policies in a section of a page, with or without their ConfigMap. */
function policiesIn(page: string, heading: string): readonly CleanupDocument[] {
  const { text } = readDocument(page);
  const section = text.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const documents = blocksIn(page, section).map((block) => parse(block.data?.['cleanup.yaml'] ?? '') ?? block);
  return documents.filter(({ schedule, lists }) => schedule !== undefined && !lists);
}

/** The set that a producer writes, and the image sets of a page, all of them just updated. */
function setsOf(page: string): readonly FoundSet[] {
  const reason = 'CVE-2026-1234 critical, by trivy';
  const scanned = `docker.io/acme/old@${digest} # ${reason}\ndocker.io/library/old@${digest} # ${reason}\n`;
  const written = blocksIn(page, readDocument(page).text).flatMap(({ metadata, data = {} }) => {
    if (metadata?.labels?.['nodesweep.io/kind'] !== 'image-set') return [];
    return [{ name: metadata.name, texts: Object.entries(data).map(([key, text]) => ({ key, text })), updatedAt: now }];
  });
  return [{ name: 'cve-critical', texts: [{ key: 'trivy.txt', text: scanned }], updatedAt: now }, ...written];
}

/** The reason for which a policy keeps an image, or `goes`. */
function decide(document: CleanupDocument, situation: Situation, sets: readonly FoundSet[]): string {
  const { name, isLoaded = false, isUsed = false, isOfWorkload = false, usedPercent = 99 } = situation;
  const { unusedMs = 100 * dayMs, newer = 2 } = situation;
  const [repository = ''] = name.split(':');
  const image = buildImage(isLoaded ? name : [name, `${repository}@${digest}`]);
  const images = [image, ...Array.from({ length: newer }, (_, index) => buildImage(`${repository}:newer-${index}`))];
  const record = { firstSeen: now - unusedMs, lastUsed: now - unusedMs };
  const spec = cleanupSchema.parse(document);
  const job = cleanupJob({ name: 'run-1', policy: 'example', document, spec }, isOfWorkload ? [name] : []);
  const facts = buildFacts({
    sets: compileSets(jobSchema.parse(job), sets, now),
    history: buildHistory({ [image.id]: record }),
    diskUsage: { capacityBytes: 100, usedBytes: usedPercent, availableBytes: 100 - usedPercent },
  });
  const inventory = buildInventory({
    images,
    inUse: isUsed ? buildInUse(image) : new Map(),
    details: new Map(images.map(({ id }, builtAt) => [id, { id, builtAt }])),
  });
  return judgeBy(makeKeepRules({ ...facts, job: jobSchema.parse(job), inventory }))(image)?.reason ?? 'goes';
}

type Expectation = readonly [says: string, policy: number, situation: Situation, decision: string];

const ci: readonly Expectation[] = [
  ['a build that nothing uses goes', 0, { name: 'registry.example.com/acme/builds/api:1' }, 'goes'],
  [
    'a build that was made on the node goes',
    0,
    { name: 'registry.example.com/acme/builds/api:1', isLoaded: true },
    'goes',
  ],
  [
    'a build stays between two steps',
    0,
    { name: 'registry.example.com/acme/builds/api:1', unusedMs: 20 * minuteMs },
    'TooYoung',
  ],
  ['a base image stays', 0, { name: 'registry.example.com/acme/builds/base:1' }, 'Excluded'],
  ['all other images stay', 0, { name: 'docker.io/library/nginx:1' }, 'NotIncluded'],
  [
    'other images stay as long as there is room',
    1,
    { name: 'docker.io/library/nginx:1', usedPercent: 70 },
    'BelowThreshold',
  ],
  ['other images go when the disk is full', 1, { name: 'docker.io/library/nginx:1' }, 'goes'],
  ['the newest version stays', 1, { name: 'docker.io/library/nginx:1', newer: 0 }, 'NewestInRepository'],
];
const gpu: readonly Expectation[] = [
  ['an image that was unused for days goes', 0, { name: 'acme/model:6', unusedMs: 4 * dayMs, usedPercent: 10 }, 'goes'],
  ['a younger one stays', 0, { name: 'acme/model:6', unusedMs: 2 * dayMs, usedPercent: 60 }, 'BelowThreshold'],
  [
    'a younger one goes when the disk is full',
    0,
    { name: 'acme/model:6', unusedMs: 2 * dayMs, usedPercent: 65 },
    'goes',
  ],
];
const edge: readonly Expectation[] = [
  ['images of workloads stay', 0, { name: 'acme/api:1', isOfWorkload: true }, 'ReferencedByWorkload'],
  ['images stay as long as there is room', 0, { name: 'acme/api:1', usedPercent: 79 }, 'BelowThreshold'],
  ['images of this week stay', 0, { name: 'acme/api:1', unusedMs: 6 * dayMs }, 'TooYoung'],
  ['older images go when the disk is full', 0, { name: 'acme/api:1', usedPercent: 80 }, 'goes'],
  ['the version before stays for a rollback', 0, { name: 'acme/api:1', newer: 1 }, 'NewestInRepository'],
];
const airGapped: readonly Expectation[] = [
  ['an image that can be pulled again goes', 0, { name: 'registry.example.com/acme/api:1' }, 'goes'],
  ['a loaded image stays', 0, { name: 'registry.example.com/acme/api:1', isLoaded: true }, 'SideLoaded'],
  ['a loaded image with a digest stays', 0, { name: 'docker.io/acme/api:1' }, 'NotIncluded'],
  ['images of the platform stay', 0, { name: 'registry.example.com/platform/dns:1' }, 'Excluded'],
  [
    'images of workloads stay',
    0,
    { name: 'registry.example.com/acme/api:1', isOfWorkload: true },
    'ReferencedByWorkload',
  ],
  ['images of this month stay', 0, { name: 'registry.example.com/acme/api:1', unusedMs: 29 * dayMs }, 'RecentlyUsed'],
];
const leaked: readonly Expectation[] = [
  ['the image goes', 0, { name: 'registry.example.com/acme/api:1.3', unusedMs: dayMs, newer: 0 }, 'goes'],
  ['a container keeps it', 0, { name: 'registry.example.com/acme/api:1.3', isUsed: true }, 'InUse'],
  ['another version stays', 0, { name: 'registry.example.com/acme/api:1.4' }, 'NotIncluded'],
];
const kubelet: readonly Expectation[] = [
  [
    'an image that was unused for two weeks goes',
    0,
    { name: 'acme/api:1', unusedMs: 15 * dayMs, usedPercent: 10 },
    'goes',
  ],
  ['a younger one stays', 0, { name: 'acme/api:1', unusedMs: 13 * dayMs, usedPercent: 74 }, 'BelowThreshold'],
  ['a younger one goes when the disk is full', 0, { name: 'acme/api:1', unusedMs: dayMs, usedPercent: 75 }, 'goes'],
  ['images of workloads stay', 0, { name: 'acme/api:1', isOfWorkload: true }, 'ReferencedByWorkload'],
];
const crictl: readonly Expectation[] = [
  [
    'every unused image goes',
    0,
    { name: 'acme/api:1', unusedMs: 3 * minuteMs, usedPercent: 1, isLoaded: true },
    'goes',
  ],
  ['a container keeps its image', 0, { name: 'acme/api:1', isUsed: true }, 'InUse'],
  [
    'an image is a cache in the better policy',
    1,
    { name: 'acme/api:1', unusedMs: dayMs, usedPercent: 74 },
    'BelowThreshold',
  ],
];
const eraserList: readonly Expectation[] = [
  ['the image goes at once', 0, { name: 'docker.io/library/alpine:3.7.3', unusedMs: minuteMs, newer: 0 }, 'goes'],
  ['a container keeps it', 0, { name: 'docker.io/library/alpine:3.7.3', isUsed: true }, 'InUse'],
  ['another version stays', 0, { name: 'docker.io/library/alpine:3.8' }, 'NotIncluded'],
];
const eraserInterval: readonly Expectation[] = [
  ['a vulnerable image goes', 0, { name: 'docker.io/acme/old:1', unusedMs: 3 * minuteMs }, 'goes'],
  ['an excluded one stays', 0, { name: 'docker.io/library/old:1' }, 'Excluded'],
  ['all others stay', 0, { name: 'ghcr.io/acme/tools:1' }, 'NotIncluded'],
];
const vulnerable: readonly Expectation[] = [
  ['a vulnerable image goes', 0, { name: 'docker.io/acme/old:1', newer: 0, usedPercent: 10 }, 'goes'],
  ['a container keeps it', 0, { name: 'docker.io/acme/old:1', isUsed: true }, 'InUse'],
  ['an image that was built on the node stays', 0, { name: 'docker.io/acme/old:1', isLoaded: true }, 'SideLoaded'],
  ['all others stay', 0, { name: 'docker.io/acme/api:1' }, 'NotIncluded'],
];
const vulnerableFirst: readonly Expectation[] = [
  ['a vulnerable image goes at any disk usage', 0, { name: 'docker.io/acme/old:1', usedPercent: 10 }, 'goes'],
  ['all others stay as long as there is room', 0, { name: 'docker.io/acme/api:1', usedPercent: 70 }, 'BelowThreshold'],
  ['all others go when the disk is full', 0, { name: 'docker.io/acme/api:1' }, 'goes'],
];

describe.each([
  ['docs/policies-by-example.md', 'CI nodes', ci],
  ['docs/policies-by-example.md', 'GPU nodes', gpu],
  ['docs/policies-by-example.md', 'Edge nodes', edge],
  ['docs/policies-by-example.md', 'Air-gapped clusters', airGapped],
  ['docs/policies-by-example.md', 'Remove an image everywhere', leaked],
  ['docs/other-tools/kubelet.md', 'Steps', kubelet],
  ['docs/other-tools/crictl.md', 'The same policy', crictl],
  ['docs/other-tools/eraser.md', 'ImageList', eraserList],
  ['docs/other-tools/eraser.md', 'repeatInterval', eraserInterval],
  ['docs/vulnerable-images.md', 'Trivy Operator', vulnerable],
  ['docs/vulnerable-images.md', 'Two ways to name the set', vulnerableFirst],
])('with the example in %s, %s', (page, heading, expectations) => {
  it.each(expectations)('%s', (_, index, situation, decision) => {
    const document = policiesIn(page, heading)[index];
    expect(document && decide(document, situation, setsOf(page))).toBe(decision);
  });
});
