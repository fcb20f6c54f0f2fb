import { Notifier, type NotifierPorts } from '../notifier.ts';
import type { Settings } from '../settings/settings.ts';

/** The notifications of a scheduler. */
export interface Notifications {
  readonly notifier: Notifier;
  /** Sends nothing more, and ends the connections. */
  stop(): Promise<void>;
}

/** The longest time for one message, from the connection to the end of the answer. */
const timeoutMs = 15_000;

/** Opens the notifications, if there is a file with the address of a receiver. */
export async function openNotifications(
  { notifyUrlFile: addressFile, notifyFormat: format = 'json' }: Settings,
  ports: Omit<NotifierPorts, 'receiver' | 'after'>,
): Promise<Notifications | undefined> {
  if (addressFile === undefined) return undefined;
  const { Webhook } = await import('../webhook/webhook.ts');
  const receiver = new Webhook({ addressFile, format, timeoutMs, readClock: ports.readClock });
  const notifier = new Notifier({ ...ports, receiver, after });
  const stop = () => {
    notifier.stop();
    return receiver.stop();
  };
  return { notifier, stop };
}

function after(delayMs: number, action: () => void): () => void {
  const timer = setTimeout(action, delayMs);
  return () => clearTimeout(timer);
}
