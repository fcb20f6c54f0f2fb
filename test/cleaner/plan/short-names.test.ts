import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../../cleaner/plan/plan.ts';
import type { Image } from '../../../cleaner/runtime/runtime.ts';
import type { JobDocument } from '../../../contract/job.ts';
import { buildFacts, buildImage, type FactFields } from '../../helpers/inventory.ts';

type Protect = (reference: string) => FactFields;
const fromJob =
  (job: (reference: string) => Partial<JobDocument>): Protect =>
  (reference) => ({ job: job(reference) });

const protections: readonly [what: string, protect: Protect][] = [
  ['a starting pod', fromJob((reference) => ({ startingReferences: [reference] }))],
  ['a workload', fromJob((reference) => ({ images: { protectWorkloads: true }, workloadReferences: [reference] }))],
  ['an image list', fromJob((reference) => ({ prepulledReferences: [reference] }))],
  ['an exclude', fromJob((reference) => ({ images: { exclude: [reference] } }))],
  ['the cleaner itself', (reference) => ({ ownReferences: [reference] })],
];

function isKept(image: Image, { inventory, ...fields }: FactFields): boolean {
  const facts = buildFacts({ ...fields, inventory: { ...inventory, images: [image] } });
  return makePlan(facts).removals.length === 0;
}

const segment = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/).filter((text) => text !== 'localhost');
const registry = fc.oneof(
  fc.constantFrom('docker.io', 'localhost', 'quay.io', 'registry.example.com:5000', '[::1]:5000'),
  fc.tuple(segment, segment).map((parts) => parts.join('.')),
);
const tag = fc.stringMatching(/^[a-z0-9][a-z0-9.]{0,5}$/);

describe.each(protections)('a name of %s without a registry', (_, protect) => {
  it.each([
    ['localhost/team/report:1', 'team/report:1'],
    ['quay.io/team/tool:2', 'team/tool:2'],
    ['docker.io/library/busybox:1', 'busybox:1'],
    ['localhost/busybox:latest', 'busybox'],
    ['quay.io/library/busybox:1', 'busybox:1'],
  ])('keeps %s as %s (H6, T23)', (name, reference) => {
    expect(isKept(buildImage(name), protect(reference))).toBe(true);
  });

  it('keeps the image under every registry in which the runtime finds it (H6)', () => {
    fc.assert(
      fc.property(registry, fc.array(segment, { minLength: 1, maxLength: 3 }), tag, (host, path, version) => {
        const reference = `${path.join('/')}:${version}`;
        expect(isKept(buildImage(`${host}/${reference}`), protect(reference))).toBe(true);
      }),
    );
  });

  it.each([
    ['another path', 'localhost/team/report:1', 'report:1'],
    ['another tag', 'localhost/team/report:2', 'team/report:1'],
    ['a registry', 'localhost/team/report:1', 'quay.io/team/report:1'],
    ['docker.io by name', 'quay.io/team/report:1', 'docker.io/team/report:1'],
  ])('is exact in all other parts: one that names %s keeps nothing else (%s, %s)', (_what, name, reference) => {
    expect(isKept(buildImage(name), protect(reference))).toBe(false);
  });
});

it('a digest protects under every name (H6, T6)', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  const image = buildImage(`mirror.example.com/x/y@${digest}`);
  expect(isKept(image, { job: { startingReferences: [`team/report:1@${digest}`] } })).toBe(true);
});

it('an include without a registry stays exact: docker.io (H6)', () => {
  const include = { job: { images: { include: ['team/report:1'] } } };
  expect(isKept(buildImage('localhost/team/report:1'), include)).toBe(true);
  expect(isKept(buildImage('docker.io/team/report:1'), include)).toBe(false);
});
