import { expect, it } from 'vitest';
import { runKinds } from '../../../scheduler/kinds.ts';
import { prepull } from '../../../scheduler/prepull/kind.ts';
import { started, waiting } from '../../../scheduler/run/progress.ts';
import { decodeRun, encodeRun } from '../../../scheduler/run/record.ts';
import { buildRun } from '../../helpers/builders.ts';
import { buildPrepull } from '../../helpers/prepull.ts';

const lists = [{ name: 'base', images: ['docker.io/acme/api:1'] }];
const document = { schedule: '0 * * * *', lists };
const run = buildRun({}, { kind: prepull, document, spec: buildPrepull(lists) });

it('the record of a run over lists is read back as it was written, with what is remembered of each node (P19)', () => {
  const memory = {
    states: new Map([[0, { state: 'Failed', cause: { reason: 'Unauthorized', message: 'denied' } }]]),
    over: [0],
    holding: [0],
  };
  const active = { ...run, nodes: new Map([['a', { ...started(waiting, 0), memory }]]) };
  expect(decodeRun(encodeRun(active), runKinds)).toEqual(active);
});

it('a run whose lists this version does not take can still be read, to end it', () => {
  const decoded = decodeRun(encodeRun({ ...run, document: { ...document, lists: [] } }), runKinds);
  expect(decoded).toMatchObject({ kind: prepull, spec: { schedule: '0 * * * *' } });
  expect(decoded.damage).toMatch(/^this version does not take the policy .*: lists: has no list/);
});
