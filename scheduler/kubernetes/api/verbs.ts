import type { Dispatcher } from 'undici';

/** The verbs of the Kubernetes API, with their HTTP methods. */
export const methods = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
} as const satisfies Record<string, Dispatcher.HttpMethod>;

export type Verb = keyof typeof methods;
