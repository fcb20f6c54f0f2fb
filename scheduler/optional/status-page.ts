import manifest from '../../package.json' with { type: 'json' };
import type { Cluster } from '../cluster.ts';
import type { Log } from '../log.ts';
import type { PageHealth, PagePlace } from '../page/facts.ts';
import type { ReadCleanerLog } from '../page-logs.ts';
import type { PagePlacement, PageServer } from '../page-server.ts';
import type { RunKind } from '../run/kind.ts';
import { pagePortOf, type Settings } from '../settings/settings.ts';

/** The parts of a scheduler that the page shows. */
export interface Shown {
  readonly cluster: Pick<Cluster, 'state' | 'readClock'>;
  readonly kinds: readonly RunKind[];
  readonly health: () => PageHealth;
  readonly place: PagePlace;
  readonly readCleanerLog?: ReadCleanerLog;
}

/** Serves the status page. A page that can't be served is reported, and stops no run. */
export async function openPage(
  placement: PagePlacement | undefined,
  shown: Shown,
  log: Log,
): Promise<PageServer | undefined> {
  if (placement === undefined) return undefined;
  const { cluster, kinds, health, place, readCleanerLog } = shown;
  const facts = () => ({
    state: cluster.state(),
    kinds,
    health: health(),
    place,
    version: manifest.version,
    now: cluster.readClock(),
  });
  try {
    const { servePage } = await import('../page-server.ts');
    const page = await servePage(placement, { facts, readCleanerLog }, log);
    log.info({ url: page.url }, `the status page is at ${page.url}`);
    return page;
  } catch (err) {
    log.error({ err }, `the status page is not served: ${String(err)}; give it another port`);
    return undefined;
  }
}

/** The placement of the page that the settings ask for; undefined if they ask for none. */
export function placementOf(settings: Settings, isInCluster: boolean): PagePlacement | undefined {
  const port = pagePortOf(settings, isInCluster);
  return port === undefined ? undefined : { address: settings.pageAddress, port, hosts: settings.pageHosts };
}

/** The placement of the page of `nodesweep local`, which only this machine reaches. */
export function placementOn(port: number | undefined): PagePlacement | undefined {
  return port === undefined ? undefined : { address: '127.0.0.1', port, hosts: [] };
}
