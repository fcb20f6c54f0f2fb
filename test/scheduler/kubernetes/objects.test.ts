import { expect, it } from 'vitest';
import { readNode } from '../../../scheduler/kubernetes/objects.ts';
import { startupTaint } from '../../../scheduler/pods/startup-taint.ts';
import { judgeNode } from '../../../scheduler/run/rollout/eligibility.ts';
import { buildRun } from '../../helpers/builders.ts';

const spot = { key: 'spot', effect: 'NoSchedule' };
const infra = { key: 'dedicated', value: 'infra', effect: 'NoExecute' };
const object = {
  metadata: { name: 'node-1' },
  spec: { taints: [spot, infra] },
  status: {
    conditions: [{ type: 'Ready', status: 'True' }],
    nodeInfo: { containerRuntimeVersion: 'containerd://2.1.0', operatingSystem: 'linux' },
  },
};
const presets = { sockets: [], stateDirectories: [] };
const selection = { ...buildRun().spec.nodes, tolerations: [] };
const judge = (...tolerations: NonNullable<Parameters<typeof readNode>[2]>) =>
  judgeNode(readNode(object as never, presets, tolerations), selection);

it('a node is cleaned if a setting lets all cleaner pods tolerate its taints, whatever the policy tolerates (C16)', () => {
  expect(judge({ key: 'spot', operator: 'Exists' }, { key: 'dedicated', operator: 'Equal', value: 'infra' })).toEqual({
    verdict: 'Eligible',
  });
});

it('a taint that neither the settings nor the policy tolerates keeps the cleaner away (C16)', () => {
  expect(judge({ key: 'spot', operator: 'Exists' })).toMatchObject({
    reason: 'UntoleratedTaint',
    message: expect.stringContaining('dedicated:NoExecute'),
  });
  expect(judge()).toMatchObject({ reason: 'UntoleratedTaint', message: expect.stringContaining('spot:NoSchedule') });
});

it('the startup taint is seen whatever the settings tolerate, because it must be removed, and keeps no pod of a run away (P22)', () => {
  const starting = { ...object, spec: { taints: [spot, startupTaint] } };
  const node = readNode(starting as never, presets, [{ operator: 'Exists' }]);
  expect(node.taints).toEqual([startupTaint]);
  expect(judgeNode(node, selection)).toEqual({ verdict: 'Eligible' });
});
