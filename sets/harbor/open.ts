import { setTimeout as delay } from 'node:timers/promises';
import { openConnection, readAuthorities } from '../http/connection.ts';
import { HttpClient } from '../http/http-client.ts';
import { parseServerAddress } from './address.ts';
import { HarborApi } from './api.ts';
import type { CredentialFiles } from './credentials.ts';
import { readRegistryHost } from './look/registry.ts';
import { HarborSource, type HarborSourceOptions } from './source.ts';

/** An option is wrong. */
export class HarborOptionError extends Error {
  override readonly name = 'HarborOptionError';
}

export interface HarborOptions extends Omit<HarborSourceOptions, 'address'> {
  readonly url: string;
  readonly allowHttp: boolean;
  readonly caFile?: string | undefined;
  readonly credentials?: CredentialFiles | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

/** Opens Harbor as the source of a set. Rejects if an option is wrong; Harbor is not asked yet. */
export async function openHarbor(options: HarborOptions): Promise<HarborSource> {
  const { url, allowHttp, caFile, credentials, environment, readClock, registry } = options;
  if (registry !== undefined && readRegistryHost(registry) !== registry)
    throw new HarborOptionError(
      `--registry ${registry} is not the host of a registry, such as harbor.example.com:8443`,
    );
  const address = parseServerAddress(url, allowHttp);
  const ca = caFile === undefined ? undefined : await readAuthorities(caFile);
  const connection = openConnection(environment, ca);
  const pause = async (ms: number, signal: AbortSignal) => {
    await delay(ms, undefined, { signal });
  };
  const client = new HttpClient({ connection, readClock, pause });
  const api = new HarborApi({ client, address, credentials });
  return new HarborSource(api, { ...options, address });
}
