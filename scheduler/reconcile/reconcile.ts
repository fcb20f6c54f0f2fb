import type { PolicyObject } from '../objects.ts';
import { dueTrigger } from '../policy/due.ts';
import { earliest } from '../policy/instants.ts';
import { type ParsedPolicy, parsePolicy } from '../policy/policy.ts';
import { nextPressureStart } from '../policy/pressure-trigger.ts';
import type { Trigger } from '../policy/trigger.ts';
import { isOutdated, judgePolicy, nextStart, type PolicyStatus } from '../status/status.ts';
import { activeRuns, advanceRuns } from './advance.ts';
import { type PolicyPass, type ReconcileContext, retryTime } from './context.ts';
import { expireRuns } from './expire-runs.ts';
import { keepStatus } from './keep-status.ts';
import { tellLateChanges } from './record-run.ts';
import { dueQuestion, type Start, startRun } from './start-run.ts';

/** Reconciles every policy once; never rejects. Returns when to come again even if nothing changes. */
export async function reconcile(context: ReconcileContext, now: Date): Promise<Date | undefined> {
  const state = context.cluster.state();
  context.journal.observe(state.runs);
  const wakes: (Date | undefined)[] = [];
  for (const object of state.policies) {
    const pass = { ...context, state, object, parsed: parseOnce(object), now };
    try {
      wakes.push(await reconcilePolicy(pass));
    } catch (error) {
      // One policy in trouble must not hold up the others.
      const message = `policy ${object.name}: this pass failed and is repeated: ${String(error)}`;
      context.log.error({ policy: object.name, err: error }, message);
      wakes.push(retryTime(pass));
    }
  }
  return earliest(wakes);
}

/** Judges the policy, starts what is due, moves its runs on, deletes what has expired, and writes down what all that found. */
async function reconcilePolicy(pass: PolicyPass): Promise<Date | undefined> {
  const stored = pass.state.statuses.get(pass.object.name);
  await tellLateChanges(pass);
  if (isOutdated(pass.object, stored)) return earliest([await advanceRuns(pass), retryTime(pass)]);
  const judged = judgePolicy({ ...pass, runs: pass.journal.runs.of(pass.object.name) }, stored);
  const trigger = triggerNow(pass, judged);
  const start = trigger && (await startRun(pass, trigger));
  const advanceAt = await advanceRuns(pass);
  const expireAt = await expireRuns(pass, stored?.value);
  const status = await keepStatus(pass, start);
  const retryAt = status === undefined ? retryTime(pass) : startAgainAt(pass, start);
  return earliest([advanceAt, expireAt, retryAt, ...nextStarts(pass, status ?? judged)]);
}

/** The cause of the run that is due now, if any is. */
function triggerNow({ state, object, parsed, now }: PolicyPass, judged: PolicyStatus): Trigger | undefined {
  return parsed.valid ? dueTrigger(dueQuestion(state.nodes, object, parsed.policy), judged, now) : undefined;
}

/** When to try again to start what could not be started now; at once, where what held it up has ended. */
function startAgainAt(pass: PolicyPass, start: Start | undefined): Date | undefined {
  if (start === undefined || 'run' in start) return undefined;
  return start.retryAt ?? (activeRuns(pass).length === 0 ? pass.now : undefined);
}

/** When the policy starts runs of its own accord, unless something changes. */
function nextStarts({ state, object, parsed, now }: PolicyPass, status: PolicyStatus): Date[] {
  if (!parsed.valid) return [];
  const question = dueQuestion(state.nodes, object, parsed.policy);
  const starts = [nextStart(status, object.name, parsed.policy), nextPressureStart(question, status.lastStart)];
  return starts.filter((start) => start !== undefined).filter((start) => start > now);
}

const parsedPolicies = new WeakMap<PolicyObject['data'], ParsedPolicy>();

/** A policy object is parsed when it is new, not at every pass. */
function parseOnce(object: PolicyObject): ParsedPolicy {
  const known = parsedPolicies.get(object.data);
  if (known !== undefined) return known;
  const parsed = parsePolicy(object.name, object.data);
  parsedPolicies.set(object.data, parsed);
  return parsed;
}
