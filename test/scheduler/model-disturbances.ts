import fc from 'fast-check';
import type { Fault } from './model-faults.ts';
import type { Replica } from './model-replica.ts';
import type { CatchUp } from './model-view.ts';

/** All that goes wrong with a scheduler, or with the way between it and the cluster. */
export type Disturbance =
  | { readonly step: 'Fault'; readonly replica: number; readonly calls: number; readonly fault: Fault }
  | { readonly step: 'Kill'; readonly replica: number; readonly seconds: number }
  | { readonly step: 'CutOff'; readonly replica: number; readonly seconds: number }
  | {
      readonly step: 'Late';
      readonly replica: number;
      readonly table: 'configMaps' | 'nodes' | 'pods';
      readonly seconds: number;
      readonly how: CatchUp;
    }
  | { readonly step: 'Poke'; readonly replica: number };

const replica = fc.constantFrom(0, 0, 1);
const catchUp = fc.constantFrom<CatchUp>('Resumed', 'Repeated', 'Reordered', 'Relisted');
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constantFrom('CrashBefore', 'CrashAfter', 'Refused', 'AnswerLost') }),
  fc.record({ kind: fc.constant('Slow'), before: fc.constantFrom(0, 1, 4), after: fc.constantFrom(0, 1, 5) }),
);

export const disturbances = [
  { weight: 4, arbitrary: fc.record({ step: fc.constant('Fault'), replica, calls: fc.nat(15), fault }) },
  {
    weight: 1,
    arbitrary: fc.record({ step: fc.constant('Kill'), replica, seconds: fc.constantFrom(1, 20, 120, 400) }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('CutOff'), replica, seconds: fc.constantFrom(5, 40, 300) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant('Late'),
      replica,
      table: fc.constantFrom('configMaps', 'nodes', 'pods'),
      seconds: fc.constantFrom(1, 4, 20, 60),
      how: catchUp,
    }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('Poke'), replica }) },
];

/** The number of milliseconds that the calls of each replica take. */
export const paces: fc.Arbitrary<readonly (readonly number[])[]> = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fc.array(fc.constantFrom(0, 20, 100, 700), { maxLength: 5 }), { maxLength: 2 }) },
);

/** Lets a disturbance happen to one of the replicas. */
export async function disturb(replicas: readonly Replica[], step: Disturbance): Promise<void> {
  const replica = replicas[step.replica];
  switch (step.step) {
    case 'Fault':
      return replica?.faults.arm(step.calls, step.fault);
    case 'Kill':
      return replica?.kill(step.seconds);
    case 'CutOff':
      return replica?.cutOff(step.seconds);
    case 'Late':
      return replica?.delay(step.table, step.seconds, step.how);
    case 'Poke':
      return replica?.poke();
    default:
      return step satisfies never;
  }
}

/** The greatest delay of what a scheduler decides on, in milliseconds. */
export function stalenessOf(steps: readonly ({ readonly step: string } | Disturbance)[], replicas: number): number {
  const delays = steps.map((step) => {
    if ('how' in step) return step.seconds;
    return 'fault' in step && step.fault.kind === 'Slow' ? 30 : 0;
  });
  return 1_000 + Math.max(replicas > 1 ? 5 : 0, ...delays) * 1000;
}
