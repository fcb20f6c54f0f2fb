import type { PolicyEvent } from '../cluster.ts';
import type { PolicyPass } from './context.ts';

/** Reports news of a policy in the log and in an Event. An Event that can't be recorded delays nothing. */
export async function announce(
  { cluster, log, object }: Pick<PolicyPass, 'cluster' | 'log' | 'object'>,
  event: PolicyEvent,
  fields: object,
): Promise<void> {
  const write = event.type === 'Normal' ? log.info : log.warn;
  write.call(log, { policy: object.name, reason: event.reason, ...fields }, event.message);
  try {
    await cluster.recordEvent(object, event);
  } catch (error) {
    log.warn({ policy: object.name, err: error }, `could not record the Event ${event.reason}: ${String(error)}`);
  }
}
