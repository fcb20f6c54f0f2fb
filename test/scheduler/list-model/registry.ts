import type { ContainerState } from '../../../scheduler/objects.ts';
import type { PullReason } from '../../../scheduler/prepull/states/reasons.ts';

/** The reasons that a registry can be the cause of. */
export const refusals = [
  'Unauthorized',
  'NotFound',
  'NoMatchingPlatform',
  'TooManyRequests',
  'RegistryUnavailable',
  'NoSpace',
  'InvalidName',
  'PullFailed',
] as const satisfies readonly PullReason[];

/** All that may happen to a pull. `Throttled` is a limit of the kubelet itself, and is no failure. */
export type Answer = 'Image' | 'Hangs' | 'Throttled' | (typeof refusals)[number];

/** As containerd and the kubelet say it. */
const words: Readonly<Record<(typeof refusals)[number], string>> = {
  Unauthorized: 'failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized',
  NotFound: 'not found',
  NoMatchingPlatform: 'no match for platform in manifest: not found',
  TooManyRequests: 'unexpected status code: 429 Too Many Requests - toomanyrequests: rate limit',
  RegistryUnavailable: 'failed to do request: dial tcp 10.0.0.9:443: connect: connection refused',
  NoSpace: 'failed to copy: write ingest/data: no space left on device',
  InvalidName: 'invalid reference format',
  PullFailed: 'failed to extract layer: exit status 1',
};

/** The registries of all images: what they answer now, and the digest of each tag. */
export class Registry {
  readonly #answers = new Map<string, Answer>();
  readonly #versions = new Map<string, number>();

  answerTo(image: string): Answer {
    return this.#answers.get(image) ?? 'Image';
  }

  set(image: string, answer: Answer): void {
    this.#answers.set(image, answer);
  }

  /** From now on every pull succeeds. */
  recover(): void {
    this.#answers.clear();
  }

  /** Somebody pushes another image with the same tag. */
  move(image: string): void {
    this.#versions.set(image, (this.#versions.get(image) ?? 0) + 1);
  }

  digestOf(image: string): string {
    const [, pinned] = image.split('@');
    if (pinned !== undefined) return pinned;
    const version = this.#versions.get(image) ?? 0;
    const text = Buffer.from(`${image} ${version}`).toString('hex').slice(-64);
    return `sha256:${text.padStart(64, '0')}`;
  }
}

/** The container of an image that the kubelet could not pull. */
export function refusalOf(image: string, answer: Exclude<Answer, 'Image' | 'Hangs'>): ContainerState {
  if (answer === 'Throttled') return { type: 'Waiting', reason: 'ErrImagePull', message: 'pull QPS exceeded' };
  if (answer === 'InvalidName')
    return { type: 'Waiting', reason: 'InvalidImageName', message: `couldn't parse image name: ${words.InvalidName}` };
  const message = `rpc error: code = Unknown desc = failed to pull and unpack image "${image}": ${words[answer]}`;
  return { type: 'Waiting', reason: 'ErrImagePull', message };
}
