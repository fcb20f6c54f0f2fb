import { messageOf } from '../../contract/errors.ts';
import { imagesIn, usedShareOf } from '../cleanup/candidates.ts';
import { Copies } from '../copies/copies.ts';
import { type PullCheckPorts, PullChecks, type Registries } from '../pull-checks.ts';
import { settings as knownSettings, type Settings, SettingsError } from '../settings/settings.ts';

/** The questions to registries, and what is known of the copies on nodes. */
export interface RegistryQuestions {
  readonly pullChecks: PullChecks;
  readonly copies: Copies;
}

/** The longest time for one request to a registry. */
const timeoutMs = 10_000;

/** Opens the questions to registries, if a setting allows them. Rejects with a {@link SettingsError}. */
export async function openRegistryQuestions(
  settings: Settings,
  { isLeader, ...ports }: Pick<PullCheckPorts, 'readLog' | 'onAnswered' | 'log'> & { readonly isLeader: () => boolean },
): Promise<RegistryQuestions | undefined> {
  if (!settings.registryCheck) return undefined;
  const registries = await openRegistries(settings, ports.log);
  const copies = new Copies(isLeader);
  const onListed: PullCheckPorts['onListed'] = (pod, { ids, candidates }) =>
    copies.noteList(pod, { ids, candidates: new Set(candidates.keys()), usedShare: usedShareOf(pod) });
  const nowMs = () => performance.now();
  return { copies, pullChecks: new PullChecks({ ...ports, registries, imagesIn, onListed, nowMs }) };
}

async function openRegistries(
  { registrySecrets: secrets, registryCa: caFile, registryPlainHosts: plainHosts }: Settings,
  log: PullCheckPorts['log'],
): Promise<Registries> {
  const { openRegistries } = await import('../registry/open.ts');
  return openRegistries({ secrets, caFile, plainHosts, timeoutMs }, log).catch((cause) => {
    const { variable, flag } = knownSettings.registryCa;
    throw new SettingsError(`${variable} (${flag}): can't be read: ${messageOf(cause)}`, { cause });
  });
}
