import type { SetEntry } from '../../contract/images/image-set.ts';
import type { SetBefore, SetContent, SetSource } from '../source.ts';
import type { HarborApi } from './api.ts';
import { readAgain, readArtifacts } from './artifacts.ts';
import { HarborError } from './errors.ts';
import { type Artifact, type Project, systemInfoSchema } from './look/answers.ts';
import { type Criteria, formatCriteria } from './look/criteria.ts';
import {
  comparablePart,
  findGone,
  type Image,
  nameDepartures,
  refuseTooManyGone,
  updateDepartures,
} from './look/departures.ts';
import { buildInventory, type Inventory, projectOf } from './look/inventory.ts';
import { type Departure, formatMemory, type HarborMemory, parseMemory } from './look/memory.ts';
import { readRegistryHost } from './look/registry.ts';
import { describeUnscanned } from './look/unscanned.ts';
import { nameVulnerable, selectCandidates } from './look/vulnerable.ts';
import { chooseProjects } from './projects.ts';
import { readFindings } from './reports.ts';

/** The settings for images that Harbor no longer has, or that a tag has left. */
export interface GoneOptions {
  /** More gone images than this percentage of those of the last look are refused. */
  readonly maxPercent: number;
  /** The time for which an image stays in the set after it has departed. */
  readonly keepMs: number;
}

export interface HarborSourceOptions {
  readonly address: URL;
  /** The names of the projects; all projects that the account sees if there are none. */
  readonly projects: readonly string[];
  /** Undefined if vulnerabilities don't count. */
  readonly criteria?: Criteria | undefined;
  /** Undefined if departed images don't count. */
  readonly gone?: GoneOptions | undefined;
  /** The host of the registry in the names of images; by default, the one that Harbor tells. */
  readonly registry?: string | undefined;
  readonly readClock: () => Date;
}

/** The facts of one complete look. */
interface Look {
  readonly projects: readonly Project[];
  readonly deleted: readonly string[];
  readonly artifacts: readonly Artifact[];
}

/** The images of Harbor that are vulnerable, and those that it no longer has. */
export class HarborSource implements SetSource {
  readonly description: string;
  readonly #api: HarborApi;
  readonly #options: HarborSourceOptions;

  constructor(api: HarborApi, options: HarborSourceOptions) {
    this.description = `Harbor at ${options.address.host}`;
    this.#api = api;
    this.#options = options;
  }

  async read({ entries, memory, memoryAdvice }: SetBefore, signal: AbortSignal): Promise<SetContent> {
    const before = parseMemory(memory, memoryAdvice);
    const { projects, deleted } = await chooseProjects(this.#api, this.#options.projects, before, signal);
    const listed = await readArtifacts(this.#api, projects, signal);
    const { artifacts, departures } = await this.#findDepartures(
      { projects, deleted, artifacts: listed },
      before,
      signal,
    );
    const look = { projects, deleted, artifacts };
    const vulnerable = await this.#nameVulnerable(artifacts, this.#comparable(entries, before), signal);
    const departed = departures.length === 0 ? [] : nameDepartures(departures, await this.#readRegistry(signal));
    return {
      entries: [...vulnerable, ...departed],
      memory: formatMemory(this.#remember(look, departures)),
      ...(this.#options.criteria && { note: describeUnscanned(artifacts) }),
    };
  }

  /** Finds the departed images, after it has asked for each that seems to be gone. */
  async #findDepartures(
    look: Look,
    before: HarborMemory,
    signal: AbortSignal,
  ): Promise<{ readonly artifacts: readonly Artifact[]; readonly departures: readonly Departure[] }> {
    const { gone, readClock } = this.#options;
    if (gone === undefined) return { artifacts: look.artifacts, departures: [] };
    const seemGone = findGone(before.inventory, inventoryOf(look));
    refuseTooManyGone(seemGone, comparablePart(before.inventory, inventoryOf(look)), gone.maxPercent);
    const isInProject = ({ repository }: Image) => !look.deleted.includes(projectOf(repository));
    const found = await readAgain(this.#api, seemGone.filter(isInProject), signal);
    const artifacts = [...look.artifacts, ...found];
    const inventory = inventoryOf({ ...look, artifacts });
    const reallyGone = findGone(before.inventory, inventory);
    const facts = { inventory, artifacts, now: readClock(), keepMs: gone.keepMs };
    return { artifacts, departures: updateDepartures(before, reallyGone, facts) };
  }

  async #nameVulnerable(
    artifacts: readonly Artifact[],
    before: readonly SetEntry[],
    signal: AbortSignal,
  ): Promise<readonly SetEntry[]> {
    const { criteria } = this.#options;
    if (criteria === undefined) return [];
    const candidates = selectCandidates(artifacts, criteria);
    const findings = await readFindings(this.#api, candidates, criteria, signal);
    return nameVulnerable({ artifacts, candidates, findings, before }, criteria);
  }

  /** The entries of the last look, if it asked for the same vulnerabilities. */
  #comparable(entries: readonly SetEntry[], before: HarborMemory): readonly SetEntry[] {
    return before.criteria === formatCriteria(this.#options.criteria) ? entries : [];
  }

  /** The host in the names of images on nodes. */
  async #readRegistry(signal: AbortSignal): Promise<string> {
    const { registry, address } = this.#options;
    if (registry !== undefined) return registry;
    const { registry_url: told } = await this.#api.readOne('/systeminfo', {}, systemInfoSchema, signal);
    const host = readRegistryHost(told || address.host);
    if (host === undefined)
      throw new HarborError(
        'Harbor tells no valid host of its registry: give the host in the names of images with --registry',
      );
    return host;
  }

  /** The memory for the next look. Images are remembered for `--gone` alone, and never those of a proxy cache. */
  #remember({ projects, deleted, artifacts }: Look, departures: readonly Departure[]): HarborMemory {
    const isAsked = (name: string) => this.#options.projects.includes(name);
    const isNeeded = (name: string) =>
      isAsked(name) || departures.some(({ repository }) => projectOf(repository) === name);
    const kept = this.#options.gone === undefined ? [] : projects.filter(({ isProxyCache }) => !isProxyCache);
    const images = buildInventory(namesOf(kept), artifacts);
    const names = [...namesOf(projects), ...deleted.filter(isNeeded)];
    return {
      criteria: formatCriteria(this.#options.criteria),
      inventory: new Map(names.map((name) => [name, images.get(name) ?? new Map()])),
      departures,
    };
  }
}

function inventoryOf({ projects, deleted, artifacts }: Look): Inventory {
  return buildInventory([...namesOf(projects), ...deleted], artifacts);
}

function namesOf(projects: readonly Project[]): readonly string[] {
  return projects.map(({ name }) => name);
}
