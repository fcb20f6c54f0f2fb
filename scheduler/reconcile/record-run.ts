import { isFinished, type Run } from '../run/run.ts';
import { runFinished, runPaused, runStarted } from '../status/events.ts';
import { announce } from './announce.ts';
import type { PolicyPass } from './context.ts';

/** Writes the record of a run, and tells of its new phase; false where somebody else has changed the record. */
export async function recordRun(pass: PolicyPass, run: Run): Promise<boolean> {
  const { cluster, journal, now } = pass;
  const recorded = journal.runs.recordOf(run.name);
  if (recorded === undefined) return false;
  const isNews = run.phase !== recorded.value.phase && run.phase !== 'Running';
  if (isNews) journal.untold.expect(run);
  const resourceVersion = await cluster.updateRun({ value: run, resourceVersion: recorded.resourceVersion });
  if (resourceVersion === undefined) {
    journal.untold.take(run);
    journal.runs.forget(run.name);
    return false;
  }
  journal.runs.store({ value: run, resourceVersion });
  journal.writes.noteWrite({ value: run, resourceVersion }, now);
  if (isFinished(run)) journal.troubles.forgetRun(pass.object.uid, run.name);
  await tellChange(pass, run);
  return true;
}

/** Tells of what this process wrote before, where the record shows it and the answer to the write was lost. */
export async function tellLateChanges(pass: PolicyPass): Promise<void> {
  for (const run of pass.journal.runs.of(pass.object.name)) await tellChange(pass, run);
}

/** Tells, once, that a run has started, is paused or has ended. */
export async function tellChange(pass: PolicyPass, run: Run): Promise<void> {
  if (!pass.journal.untold.take(run)) return;
  if (run.phase === 'Running') return tellStart(pass, run);
  if (isFinished(run)) pass.observer?.observeEnd(run);
  const event = run.phase === 'Paused' ? runPaused(run) : runFinished(run);
  await announce(pass, event, { run: run.name, phase: run.phase });
}

async function tellStart(pass: PolicyPass, run: Run): Promise<void> {
  // The record may have been written long after it was decided: requests are shared out, and some take long.
  pass.observer?.observeStart(run, pass.cluster.readClock());
  await announce(pass, runStarted(run), { run: run.name, trigger: run.trigger });
}
