import type { Job } from '../../contract/job.ts';
import { label } from '../../contract/labels.ts';
import type { FoundSet } from './found-set.ts';

/**
 * A set that the scheduler does not know can't be read: a ConfigMap is mounted by its name, whatever its labels are. By hand there is
 * no scheduler, and each set is known.
 */
export function requireKnown(set: FoundSet, { setTimes }: Pick<Job, 'setTimes'>): FoundSet {
  const { name } = set;
  if (setTimes === undefined || Object.hasOwn(setTimes, name)) return set;
  const command = `kubectl label configmap ${name} -n NAMESPACE ${label.kind}=image-set`;
  const problem = `its ConfigMap had no label ${label.kind}: image-set when the run began; if it is an image set, run ${command} with the namespace of the scheduler, and the next run reads it`;
  return { name, problem };
}
