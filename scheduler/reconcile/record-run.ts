import { isFinished, type Run } from '../run/run.ts';
import { runFinished, runPaused, runStarted } from '../status/events.ts';
import { announce } from './announce.ts';
import type { PolicyPass } from './context.ts';

/** Writes the record of a run, and reports its new phase; false if another process has changed the record. */
export async function recordRun(pass: PolicyPass, run: Run): Promise<boolean> {
  const { cluster, journal, now } = pass;
  const recorded = journal.runs.recordOf(run.name);
  if (recorded === undefined) return false;
  const isNews = run.phase !== recorded.value.phase && run.phase !== 'Running';
  if (isNews) journal.unreported.expect(run);
  const resourceVersion = await cluster.updateRun({ value: run, resourceVersion: recorded.resourceVersion });
  if (resourceVersion === undefined) {
    journal.unreported.take(run);
    journal.runs.forget(run.name);
    return false;
  }
  journal.runs.store({ value: run, resourceVersion });
  journal.writes.noteWrite({ value: run, resourceVersion }, now);
  if (isFinished(run)) journal.troubles.forgetRun(pass.object.uid, run.name);
  await reportChange(pass, run);
  return true;
}

/** Reports a change that this process wrote before, if the answer to the write was lost and the record shows the change. */
export async function reportLateChanges(pass: PolicyPass): Promise<void> {
  for (const run of pass.journal.runs.of(pass.object.name)) await reportChange(pass, run);
}

/** Reports once that a run has started, is paused or has ended. */
export async function reportChange(pass: PolicyPass, run: Run): Promise<void> {
  if (!pass.journal.unreported.take(run)) return;
  if (run.phase === 'Running') return reportStart(pass, run);
  if (isFinished(run)) pass.observer?.observeEnd(run);
  const event = run.phase === 'Paused' ? runPaused(run) : runFinished(run);
  await announce(pass, event, { run: run.name, phase: run.phase });
}

async function reportStart(pass: PolicyPass, run: Run): Promise<void> {
  // The write of the record may come long after the decision: it waits for its share of the requests, and may be slow.
  pass.observer?.observeStart(run, pass.cluster.readClock());
  await announce(pass, runStarted(run), { run: run.name, trigger: run.trigger });
}
