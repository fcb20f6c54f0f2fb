import type { PolicyEvent } from '../cluster.ts';
import type { PolicyPass } from './context.ts';

/** Tells something of a policy in the log and in an event. An event that can't be recorded holds nothing up. */
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
    log.warn({ policy: object.name, err: error }, `the event ${event.reason} was not recorded: ${String(error)}`);
  }
}
