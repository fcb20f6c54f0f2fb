import { cutText } from '../../../contract/text.ts';

/** The reasons for which an image is not pulled. Status, metrics and events count by them. */
export const pullReasons = [
  'Unauthorized',
  'NotFound',
  'NoMatchingPlatform',
  'TooManyRequests',
  'RegistryUnavailable',
  'NoSpace',
  'InvalidName',
  'PullFailed',
] as const;

export type PullReason = (typeof pullReasons)[number];

/** The cause why an image is not there. */
export interface PullCause {
  readonly reason: PullReason;
  /** The words of the registry or the runtime, without the wrappers around them. A long record has only some of them. */
  readonly message?: string | undefined;
}

/** The words of a waiting container, as in `containerStatuses[].state.waiting`. */
export interface Waiting {
  readonly reason: string;
  readonly message: string;
}

/** Another try of the kubelet does not help: the name stays wrong, and the registry has no image for the node. */
const finalReasons: ReadonlySet<PullReason> = new Set(['InvalidName', 'NoMatchingPlatform']);

/** True if the kubelet can't pull the image, however often it tries. */
export function isFinal({ reason }: PullCause): boolean {
  return finalReasons.has(reason);
}

/**
 * Reads the cause from a container that waits for its image; undefined if the words have none: the kubelet has reached its
 * own limit of pulls, or only repeats that it waits. Kubelets since 1.32 add the cause to the latter.
 */
export function readCause({ reason, message }: Waiting): PullCause | undefined {
  const words = unwrap(message);
  if (isOwnLimit(words) || (reason === 'ImagePullBackOff' && words === '')) return undefined;
  const normalised = reasonOfKubelet(reason) ?? reasonOfWords(message);
  return { reason: normalised, message: cutText(words === '' ? reason : words, maxLength) };
}

/** Maximum length of the words. A record has some of them for each node. */
const maxLength = 200;

/** https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/images/helpers.go `throttledImageService` */
function isOwnLimit(words: string): boolean {
  return words === 'pull QPS exceeded';
}

/** The reasons of the kubelet that say all, whatever the words. */
function reasonOfKubelet(reason: string): PullReason | undefined {
  if (reason === 'InvalidImageName') return 'InvalidName';
  return reason === 'SignatureValidationFailed' ? 'PullFailed' : undefined;
}

/** The first pattern that the words match decides: what a registry answers is more exact than that it can't be reached. */
const patterns: readonly (readonly [PullReason, RegExp])[] = [
  [
    'NoMatchingPlatform',
    /no match for platform|no matching manifest for|no image found in (?:manifest list|image index)|image (?:operating system|architecture) mismatch|cannot be used on this platform|does not match the (?:specified|expected) platform/i,
  ],
  ['NoSpace', /no space left on device|disk quota exceeded|not enough (?:disk )?space|insufficient (?:disk )?space/i],
  ['TooManyRequests', /(?<![:.\d])429\b|too ?many ?requests|rate limit|rate exceeded/i],
  // Before Unauthorized: a service of tokens may be down, too.
  [
    'RegistryUnavailable',
    /(?<![:.\d])5\d\d (?:[A-Z(]|$)|(?:status|code|HTTP)(?: code)?:? ?5\d\d\b|service unavailable|bad gateway/i,
  ],
  [
    'RegistryUnavailable',
    /dial tcp|no such host|connection (?:refused|reset)|i\/o timeout|timeout exceeded|TLS handshake timeout|context deadline exceeded|no route to host|network is unreachable|temporary failure in name resolution|server misbehaving|proxyconnect|request canceled|unexpected EOF|: EOF|because the registry is unavailable/i,
  ],
  ['RegistryUnavailable', /x509:|tls:|certificate|HTTP response to HTTPS client/i],
  [
    'Unauthorized',
    /unauthorized|authorization failed|authentication required|insufficient_scope|access denied|\bdenied\b|forbidden|(?<![:.\d])40[13]\b|no basic auth credentials|invalid username\/password|unable to retrieve auth token|failed to authorize|invalid credentials|not authorized/i,
  ],
  [
    'InvalidName',
    /invalid reference format|(?:failed|unable) to parse image reference|could not parse reference|invalid image name/i,
  ],
  [
    'NotFound',
    /manifest[ _]unknown|name[ _]unknown|not present with pull policy of never|does not exist|(?<![:.\d])404\b|(?<!executable file )not found/i,
  ],
];

/** Looks at the words only: a quoted name, such as that of an image, may hold any of them. */
function reasonOfWords(message: string): PullReason {
  const words = withoutNames(message);
  return patterns.find(([, pattern]) => pattern.test(words))?.[0] ?? 'PullFailed';
}

/** Leaves out names: quoted texts, references and addresses. A repository may be named `forbidden/images`. */
function withoutNames(message: string): string {
  const words = withoutMirrors(message)
    .replaceAll(/"[^"]*"/g, '""')
    .split(/\s+/);
  return words.filter((word) => !word.includes('/') || phrases.has(word.replace(/\W+$/, ''))).join(' ');
}

/** Words with a slash that are no names. */
const phrases: ReadonlySet<string> = new Set(['i/o', 'net/http', 'username/password']);

/** CRI-O tells of its mirrors first: `(Mirrors also failed: […]): `. The error of the registry itself follows. */
function withoutMirrors(message: string): string {
  return message.replace(/\(Mirrors also failed: \[.*\]\): /s, '');
}

/** The texts that kubelet and runtimes write before the words of the registry. They have only the name of the image. */
const wrappers: readonly RegExp[] = [
  /^Back-off pulling image "[^"]*"(?:: |$)/,
  /^(?:ErrImagePull|RegistryUnavailable|SignatureValidationFailed|ImageInspectError)(?:: |$)/,
  /^Failed to (?:pull|inspect) image "[^"]*": /i,
  /^image pull failed for \S+ because the (?:registry is unavailable|signature validation failed)(?:: |$)/,
  /^rpc error: code = \w+ desc = /,
  /^failed to pull and unpack image "[^"]*": /,
  /^failed to resolve (?:(?:reference|image) "[^"]*"|image): /,
  /^get image config descriptor: /,
  /^Error response from daemon: /,
];

/** The words without wrappers, and without what differs from pull to pull, so that the same trouble has the same words. */
function unwrap(message: string): string {
  const wrapper = wrappers.find((pattern) => pattern.test(message));
  if (wrapper !== undefined) return unwrap(message.replace(wrapper, ''));
  return withoutMirrors(message)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:]+\]):\d+->/gi, '')
    .replaceAll(/\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/gi, '…')
    .trim();
}
