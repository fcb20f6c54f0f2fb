import { type Command, InvalidArgumentError } from 'commander';
import { addClusterOptions, type ClusterOptions } from './cluster/options.ts';
import type { CommandContext } from './context.ts';

interface Flags extends ClusterOptions {
  readonly port: number;
  readonly open?: boolean;
}

/** Adds `nodesweep page`, which makes the status page of the scheduler available on this machine. */
export function addPage(program: Command, context: CommandContext): void {
  const command = program
    .command('page')
    .description('show the status page of the scheduler at an address of this machine, until it is stopped');
  addClusterOptions(command)
    .option('--port <number>', 'port of this machine (default: a free one)', readPort, 0)
    .option('--open', 'open the page in the browser')
    .addHelpText(
      'after',
      `
The command forwards a port to a pod of the scheduler through the API server, as kubectl port-forward does. It needs the rights
to list pods and to create and get pods/portforward in the namespace.
Environment: KUBECONFIG, NODESWEEP_NAMESPACE`,
    )
    .action(async ({ port, open = false, ...choice }: Flags) => {
      const { environment } = context;
      const interrupted = context.interrupted();
      const { withPages } = await import('./cluster/connect.ts');
      const { forwardPage } = await import('./cluster/page/page-forward.ts');
      await withPages({ ...choice, environment }, async (cluster, found) => {
        const page = await forwardPage(cluster, { namespace: found, localPort: port }, (message) =>
          console.error(`nodesweep: ${message}`),
        );
        console.log(`The status page is at ${page.url} until you press Ctrl-C.`);
        if (open) await openBrowser(page.url);
        await untilAborted(interrupted);
        page.close();
      });
    });
}

/** Opens an address in the browser of the user. Says so if that is not possible: the address is on the terminal. */
async function openBrowser(url: string): Promise<void> {
  const { openUrl } = await import('../scheduler/local/open-url.ts');
  await openUrl(url).catch(() => console.error('nodesweep: no browser could be opened; open the address yourself'));
}

function untilAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port, from 0 to 65535.');
}
