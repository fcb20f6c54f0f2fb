import { annotation } from '../../../contract/labels.ts';
import { activeRuns } from '../advance.ts';
import type { PolicyPass } from '../context.ts';
import { replaceRuns } from '../start-run.ts';
import { type NextPurge, nextPurge } from './next-purge.ts';

/** Ends the runs that bring something to nodes, and returns the run for the purge. */
export async function continuePurge(pass: PolicyPass, request: string): Promise<NextPurge> {
  const { parsed } = pass;
  if (!parsed.valid) return {};
  const bringing = activeRuns(pass).filter(({ value }) => value.trigger.type !== 'Purge');
  await replaceRuns(pass, bringing);
  return nextPurge(pass, parsed, `${annotation.purgeAt} ${request}`);
}
