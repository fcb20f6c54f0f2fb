import type { Node } from '../objects.ts';
import type { Policy } from '../policy/policy.ts';
import type { Run } from '../run/run.ts';
import type { StartupFacts, StartupRules, StartupState } from '../run/startup.ts';
import type { PrepullPolicy } from './policy.ts';
import { memoryOf } from './puller/memory.ts';
import { statesByReference } from './states/by-reference.ts';
import { describeMissing } from './states/describe-missing.ts';
import { type ImageState, type ImageStates, remember } from './states/image-state.ts';
import type { Tally } from './tally.ts';
import { expectedOn, type WantedImage } from './wanted.ts';

/** Nodes with the startup taint wait for the images of the lists that reach them. */
export const startupRules: StartupRules = {
  timeoutSecondsOf: (policy) => (policy as PrepullPolicy).startupTaint?.timeoutSeconds,
  stateOn: judgeImages,
};

/** An image counts as present only if a run has found it on the node. An edit may have added it after that run. */
function judgeImages(node: Node, policy: Policy, { last, active }: StartupFacts): StartupState {
  const lists = policy as PrepullPolicy;
  const wanted = expectedOn(node, lists);
  if (wanted.length === 0) return { state: 'NotReached' };
  const tally = last?.progress.tally as Tally | undefined;
  const unknown = new Map(wanted.map(({ index }): [number, ImageState] => [index, { state: 'Unknown' }]));
  const settled = remember(unknown, statesOf(wanted, last?.run, tally?.images));
  const states = remember(settled, statesOf(wanted, active?.run, active && memoryOf(active.memory).states));
  const { message } = describeMissing(states, lists);
  return message === undefined ? { state: 'Served' } : { state: 'Missing', message };
}

/** The states that a run knows of the wanted images, by the indexes of these. */
function statesOf(wanted: readonly WantedImage[], run: Run | undefined, states: ImageStates | undefined): ImageStates {
  const known = run && states && statesByReference(run, states);
  const found = wanted.flatMap(({ index, reference }): [number, ImageState][] => {
    const state = known?.get(reference);
    return state === undefined ? [] : [[index, state]];
  });
  return new Map(found);
}
