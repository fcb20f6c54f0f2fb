import { giveWay } from './priority.ts';
import { readEndpoint } from './runtime/endpoint.ts';
import { beginFirstLook, type FirstLook } from './runtime/first-look.ts';

/**
 * Does what need not wait until the cleaner is loaded: gives way to others, and begins to read the lists that every run
 * needs first.
 */
export function goAhead(environment: NodeJS.ProcessEnv): FirstLook | undefined {
  giveWay();
  return beginFirstLook(readEndpoint(environment));
}
