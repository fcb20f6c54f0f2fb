import { hash } from '../../../contract/labels.ts';
import type { Node } from '../../objects.ts';

/** A short name for the machine of a node; undefined if the node does not report which machine it is. */
export function machineOf({ systemUuid }: Node): string | undefined {
  return systemUuid === undefined ? undefined : hash(systemUuid, 10);
}
