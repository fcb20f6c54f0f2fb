import type { V1Lease } from '@kubernetes/client-node';
import type { Lease, LeaseStore, StoredLease } from '../lease.ts';
import type { KubernetesApi } from './api/api.ts';

const name = 'nodesweep-scheduler';

/** The lease as an object of the API, in the scheduler's namespace. */
export class KubernetesLeaseStore implements LeaseStore {
  readonly #api: KubernetesApi;
  readonly #namespace: string;

  constructor(api: KubernetesApi, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  async read(): Promise<StoredLease | undefined> {
    const call = { ...this.#target(), name, verb: 'get' } as const;
    const found = await this.#api.call<V1Lease>(`read lease ${name}`, ['NotFound'], call);
    return found && readLease(found);
  }

  async write(lease: Lease, over: StoredLease | undefined): Promise<StoredLease | undefined> {
    const metadata = { name, ...(over && { resourceVersion: over.resourceVersion }) };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: buildSpec(lease) };
    const call =
      over === undefined
        ? ({ ...this.#target(), verb: 'create', body } as const)
        : ({ ...this.#target(), name, verb: 'update', body } as const);
    const expected = ['AlreadyExists', 'Conflict', 'NotFound'];
    const written = await this.#api.call<V1Lease>(`write lease ${name}`, expected, call);
    return written && readLease(written);
  }

  #target() {
    return { resource: 'leases', namespace: this.#namespace } as const;
  }
}

function readLease({ metadata, spec }: V1Lease): StoredLease {
  return {
    resourceVersion: metadata?.resourceVersion ?? '',
    lease: {
      holder: spec?.holderIdentity || undefined,
      durationSeconds: spec?.leaseDurationSeconds ?? 0,
      acquiredAt: new Date(spec?.acquireTime ?? 0),
      renewedAt: new Date(spec?.renewTime ?? 0),
      transitions: spec?.leaseTransitions ?? 0,
    },
  };
}

function buildSpec({ holder, durationSeconds, acquiredAt, renewedAt, transitions }: Lease) {
  return {
    holderIdentity: holder ?? '',
    leaseDurationSeconds: durationSeconds,
    acquireTime: microTime(acquiredAt),
    renewTime: microTime(renewedAt),
    leaseTransitions: transitions,
  };
}

/** A MicroTime of the API: six digits, no more and no less. */
function microTime(instant: Date): string {
  return instant.toISOString().replace('Z', '000Z');
}
