import type { V1Node, V1SelfSubjectAccessReview } from '@kubernetes/client-node';
import type { Node } from '../objects.ts';
import { isStartupTaint } from '../pods/startup-taint.ts';
import type { KubernetesApi } from './api/api.ts';
import type { Collection } from './api/collection.ts';
import { isForbidden } from './api/error.ts';
import { instantOf } from './instant.ts';

/** The time for which an answer about the right to change nodes is used, in milliseconds. */
const answerAgesMs = { allowed: 600_000, denied: 20_000 };
/** The number of times that a patch is tried while others change the taints of the node. */
const maxTries = 4;

interface Answer {
  readonly isAllowed: boolean;
  readonly expiresAt: number;
}

/** Removes the startup taint from nodes, if this process has the right to do so. */
export class StartupTaintRemover {
  readonly #api: KubernetesApi;
  readonly #nodes: Pick<Collection<V1Node, Node>, 'apply'>;
  readonly #nowMs: () => number;
  #answer: Answer | undefined;
  #asking: Promise<boolean> | undefined;

  /** `nowMs` is a clock that never steps. */
  constructor(
    api: KubernetesApi,
    nodes: Pick<Collection<V1Node, Node>, 'apply'>,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#api = api;
    this.#nodes = nodes;
    this.#nowMs = nowMs;
  }

  /** True if this process may patch nodes. Asks for all callers together, and not more often than necessary. */
  async isAllowed(): Promise<boolean> {
    if (this.#answer !== undefined && this.#nowMs() < this.#answer.expiresAt) return this.#answer.isAllowed;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<boolean> {
    const isAllowed = await this.#review();
    const expiresAt = this.#nowMs() + (isAllowed ? answerAgesMs.allowed : answerAgesMs.denied);
    this.#answer = { isAllowed, expiresAt };
    return isAllowed;
  }

  /** True also if this process may not ask: then only a try shows it. */
  async #review(): Promise<boolean> {
    const spec = { resourceAttributes: { verb: 'patch', resource: 'nodes' } };
    const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec };
    const call = { resource: 'selfsubjectaccessreviews', verb: 'create', body } as const;
    const what = 'ask for the right to change nodes';
    const review = await this.#api.call<V1SelfSubjectAccessReview>(what, ['Forbidden', 'NotFound'], call);
    return review?.status?.allowed ?? true;
  }

  /**
   * Removes the taint by its position in the list, and only if it is still there: the API server refuses the patch if somebody
   * has changed the list meanwhile. So no other taint can be lost. Succeeds if the taint or the node is gone.
   */
  async remove({ name, createdAt }: Node): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const object = await this.#read(name);
      const patch = object && patchFor(object, createdAt);
      if (patch === undefined) return;
      if (await this.#patch(name, patch, tries < maxTries)) return;
    }
  }

  async #read(name: string): Promise<V1Node | undefined> {
    const call = { resource: 'nodes', name, verb: 'get' } as const;
    const object = await this.#api.call<V1Node>(`read node ${name}`, ['NotFound'], call);
    if (object !== undefined) this.#nodes.apply(object);
    return object;
  }

  /** Returns false if the node must be read again. */
  async #patch(name: string, body: readonly object[], isRepeatable: boolean): Promise<boolean> {
    const expected = isRepeatable ? ['Invalid', 'Conflict', 'NotFound'] : ['NotFound'];
    const call = { resource: 'nodes', name, verb: 'patch', body } as const;
    try {
      const patched = await this.#api.call<V1Node>(`remove the startup taint from node ${name}`, expected, call);
      if (patched !== undefined) this.#nodes.apply(patched);
      return patched !== undefined;
    } catch (error) {
      // The right may have been taken away.
      if (isForbidden(error)) this.#answer = undefined;
      throw error;
    }
  }
}

/** The operations that remove the taint; undefined if the node has none, or is another one than the caller means. */
function patchFor({ metadata, spec }: V1Node, createdAt: Date | undefined): readonly object[] | undefined {
  const isAnother = createdAt !== undefined && instantOf(metadata?.creationTimestamp).getTime() !== createdAt.getTime();
  const index = (spec?.taints ?? []).findIndex(isStartupTaint);
  if (isAnother || index < 0) return undefined;
  const path = `/spec/taints/${index}`;
  return [
    { op: 'test', path: '/metadata/uid', value: metadata?.uid },
    { op: 'test', path, value: spec?.taints?.[index] },
    { op: 'remove', path },
  ];
}
