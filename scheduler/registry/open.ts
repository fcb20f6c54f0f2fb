import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { Registries } from '../pull-checks.ts';
import { PlainHosts } from './address.ts';
import { openHttp } from './http.ts';
import { Manifests } from './manifests.ts';
import { PolitelyAskedRegistries } from './registries.ts';
import { PullSecrets } from './secrets.ts';
import { Tokens } from './tokens.ts';

export interface RegistryOptions {
  /** Files with pull secrets. */
  readonly secrets: readonly string[];
  /** A file with certificates, in addition to the usual ones. */
  readonly caFile?: string | undefined;
  /** Registries that are asked without encryption, beside those of this machine. */
  readonly plainHosts: readonly string[];
  readonly timeoutMs: number;
}

/** Opens the registries. Rejects if the certificates can't be read. */
export async function openRegistries(options: RegistryOptions, log: Pick<Log, 'warn'>): Promise<Registries> {
  const plain = new PlainHosts(options.plainHosts);
  const { send, stop } = await openHttp(options.caFile, options.timeoutMs);
  const nowMs = () => performance.now();
  const secrets = new PullSecrets(options.secrets, log);
  const manifests = new Manifests({
    send,
    plain,
    tokens: new Tokens(send, plain, nowMs),
    credentialsFor: (repository) => secrets.credentialsFor(repository),
    now: () => new Date(),
  });
  const timing = { nowMs, sleep: (ms: number) => sleep(ms, undefined, { ref: false }) };
  const registries = new PolitelyAskedRegistries((repository, digest) => manifests.ask(repository, digest), timing);
  return { ask: (name) => registries.ask(name), stop };
}
