import { purgeOf } from '../../status/purge-of.ts';
import type { PolicyPass } from '../context.ts';

/** The purge of the policy that is in force: until its lists change or a run is requested, it wants nothing on any node. */
export function purgeInForce({ cluster, object, parsed }: PolicyPass): string | undefined {
  return purgeOf(cluster.state(), object.name, parsed);
}
