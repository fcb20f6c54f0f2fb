import type { PolicyEvent } from './cluster.ts';
import type { ReconcileContext } from './context.ts';
import type { PolicyObject } from './objects.ts';

/** Says something of a policy in the log and in an event. An event that can't be recorded holds nothing up. */
export async function announce(
  { cluster, log }: Pick<ReconcileContext, 'cluster' | 'log'>,
  object: PolicyObject,
  event: PolicyEvent,
  fields: object,
): Promise<void> {
  const write = event.type === 'Normal' ? log.info : log.warn;
  write.call(log, { policy: object.name, reason: event.reason, ...fields }, event.message);
  try {
    await cluster.recordEvent(object, event);
  } catch (error) {
    log.warn({ policy: object.name, err: error }, `the event ${event.reason} was not recorded: ${String(error)}`);
  }
}
