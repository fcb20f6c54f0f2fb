import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { prepull } from '../../../../scheduler/prepull/kind.ts';
import { updateLedger } from '../../../../scheduler/prepull/removal/account.ts';
import { decodeLedger, encodeLedger } from '../../../../scheduler/prepull/removal/ledger.ts';
import { buildNode, buildRun } from '../../../helpers/builders.ts';
import { buildPrepull } from '../../../helpers/prepull.ts';

it('a ledger that is too large says how many nodes it leaves out, and keeps the others (H36)', () => {
  // Digests can't be compressed much.
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  const referencesOf = (node: number) =>
    Array.from({ length: 2_500 }, (_, index) => `registry.example.com/team@sha256:${digest(`${node}-${index}`)}`);
  const applied = new Map<string, { readonly references: readonly string[] }>(
    Array.from({ length: 8 }, (_, node) => [`node-${node}`, { references: referencesOf(node).sort() }] as const),
  );
  const run = {
    ...buildRun(),
    kind: prepull,
    spec: buildPrepull([{ name: 'base', images: ['docker.io/acme/api:1'] }]),
  };
  const data = encodeLedger({ document: run.document, applied });
  const { omittedNodes } = JSON.parse(data['lists.json'] ?? '');
  const kept = decodeLedger(data).applied;
  expect(omittedNodes).toBeGreaterThan(0);
  expect(kept.size + omittedNodes).toBe(applied.size);
  for (const [node, { references }] of kept) expect(references).toEqual(applied.get(node)?.references);
  // A run goes on from wave to wave. It writes only what can have a place there.
  const startOn = (node: string) =>
    updateLedger(data, {
      isOfEarlierPolicy: false,
      runs: [],
      starting: { run: { ...run, document: {} }, nodes: [buildNode(node)] },
      nodes: [...applied.keys(), node].map((name) => buildNode(name)),
      now: new Date(0),
    });
  expect(startOn('further-node')).toBeUndefined();
  expect(startOn('node-7')).toBeUndefined();
  expect(startOn('node-0')).toBeDefined();
});

it('a ledger that fits leaves out nothing, and says nothing about it', () => {
  const ledger = { document: { schedule: '@daily' }, applied: new Map([['node', { references: ['docker.io/a:1'] }]]) };
  const data = encodeLedger(ledger);
  expect(JSON.parse(data['lists.json'] ?? '')).not.toHaveProperty('omittedNodes');
  expect(decodeLedger(data)).toEqual(ledger);
});
