import prettyMilliseconds from 'pretty-ms';
import type { NodeStatus } from '../cluster/node-status.ts';
import type { ProgramName } from '../program-name.ts';
import { formatFacts } from './layout/facts.ts';
import { formatSentence } from './layout/paragraph.ts';
import { formatPlan } from './plan-table.ts';
import type { StatusView } from './status-table.ts';

/**
 * The last run of a policy on a node: its result, and each image with the decision of the run if its log is there. `program` is the
 * name of the program in the call that it advises otherwise.
 */
export function formatNodeStatus(status: NodeStatus, view: StatusView, program: ProgramName): string {
  const { node, run, startedAt, result, reason, message, plan } = status;
  const age = prettyMilliseconds(Math.max(0, view.now.getTime() - startedAt.getTime()), { compact: true });
  const why = [reason, message].filter(Boolean).join(': ');
  const facts = formatFacts(
    [
      ['Node', node],
      ['Run', `${run}, started ${age} ago`],
      ['Result', [result, why].filter(Boolean).join(', ')],
    ],
    view.screen,
  );
  return [
    facts,
    '',
    plan === undefined ? formatSentence(describeLack(status, program), view.screen) : formatPlan(plan, view),
  ].join('\n');
}

function describeLack({ policy, node, result }: NodeStatus, program: ProgramName): string {
  const now = `${program} plan ${policy} --node ${node}`;
  if (result === 'Active') return `The run has not ended on this node; what it would do there now: ${now}`;
  return `There is no log of its pod with every image, because the pod was deleted or never ran; what a run would do now: ${now}`;
}
