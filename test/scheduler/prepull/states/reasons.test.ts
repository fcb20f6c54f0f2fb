import { describe, expect, it } from 'vitest';
import { isFinal, type PullReason, readCause } from '../../../../scheduler/prepull/states/reasons.ts';

const failedToPull = (image: string, words: string) =>
  `rpc error: code = Unknown desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${words}`;

/** The words that runtimes and registries are known to use, with the reason of the container. */
const recorded: readonly (readonly [PullReason, string, string])[] = [
  // containerd 1.6, 1.7 and 2
  [
    'Unauthorized',
    'ErrImagePull',
    failedToPull(
      'docker.io/library/thisisfine:v1',
      'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    ),
  ],
  [
    'Unauthorized',
    'ErrImagePull',
    'failed to pull and unpack image "nvcr.io/nim/meta/llama3:1.0.0": failed to copy: httpReadSeeker: failed open: server message: insufficient_scope: authorization failed',
  ],
  [
    'Unauthorized',
    'ErrImagePull',
    failedToPull(
      'ghcr.io/acme/api:1',
      'failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized',
    ),
  ],
  [
    'Unauthorized',
    'ErrImagePull',
    failedToPull(
      '123.dkr.ecr.eu-west-1.amazonaws.com/api:1',
      'unexpected status from HEAD request to https://123.dkr.ecr.eu-west-1.amazonaws.com/v2/api/manifests/1: 403 Forbidden',
    ),
  ],
  [
    'Unauthorized',
    'ErrImagePull',
    failedToPull('127.0.0.1:5000/a:1', 'authorization failed: no basic auth credentials'),
  ],
  [
    'NotFound',
    'ErrImagePull',
    'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/a/unauthorized:1": failed to resolve reference "registry.example/a/unauthorized:1": registry.example/a/unauthorized:1: not found',
  ],
  [
    'NoMatchingPlatform',
    'ErrImagePull',
    'rpc error: code = NotFound desc = failed to pull and unpack image "ghcr.io/acme/manifest:0.1.5": no match for platform in manifest: not found',
  ],
  [
    'NoMatchingPlatform',
    'ErrImagePull',
    'failed to pull and unpack image "ghcr.io/acme/a:1": no match for platform in manifest sha256:2f5e1d4be9c1d3a4bd1fd9f5d6f7d1b0b2b3d5b6a7c8d9e0f1a2b3c4d5e6f708: not found',
  ],
  [
    'TooManyRequests',
    'ErrImagePull',
    'failed to pull and unpack image "docker.io/library/rust:1": failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/rust/manifests/sha256:de6e: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit',
  ],
  [
    'RegistryUnavailable',
    'ErrImagePull',
    failedToPull(
      'registry.example/a:1',
      'failed to do request: Head "https://registry.example/v2/a/manifests/1": dial tcp: lookup registry.example on 10.96.0.10:53: no such host',
    ),
  ],
  [
    'RegistryUnavailable',
    'ErrImagePull',
    failedToPull(
      'forbidden.example/denied:1',
      'failed to do request: Head "https://forbidden.example/v2/denied/manifests/1": dial tcp 10.0.0.9:443: connect: connection refused',
    ),
  ],
  [
    'RegistryUnavailable',
    'ErrImagePull',
    failedToPull(
      'registry.example/a:1',
      'failed to do request: Head "https://registry.example/v2/a/manifests/1": dial tcp 162.213.33.199:5000: i/o timeout',
    ),
  ],
  [
    'RegistryUnavailable',
    'ErrImagePull',
    failedToPull(
      'registry.example/a:1',
      'failed to do request: Head "https://registry.example/v2/a/manifests/1": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ),
  ],
  [
    'RegistryUnavailable',
    'ErrImagePull',
    failedToPull(
      'registry.example/a:1',
      'failed to do request: Head "https://registry.example/v2/a/manifests/1": http: server gave HTTP response to HTTPS client',
    ),
  ],
  [
    'RegistryUnavailable',
    'ErrImagePull',
    failedToPull(
      'docker.io/acme/a:1',
      'failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://auth.docker.io/token?scope=a&service=b: 503 Service Unavailable',
    ),
  ],
  [
    'RegistryUnavailable',
    'ErrImagePull',
    failedToPull(
      'docker.io/acme/a:1',
      'failed to authorize: failed to fetch anonymous token: Get "https://auth.docker.io/token?scope=a": net/http: TLS handshake timeout',
    ),
  ],
  [
    'NoSpace',
    'ErrImagePull',
    'failed to pull and unpack image "docker.io/acme/a:1": failed to extract layer sha256:dc6b: write /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/105/fs/home/file: no space left on device: unknown',
  ],
  [
    'PullFailed',
    'ErrImagePull',
    'failed to pull and unpack image "docker.io/acme/a:1": failed to copy: context canceled',
  ],
  [
    'PullFailed',
    'ErrImagePull',
    'failed to get credentials: exec: "docker-credential-ecr-login": executable file not found in $PATH',
  ],
  // Read from containerd 1.6 and 2.4 on the test cluster, with kubelet 1.36
  [
    'Unauthorized',
    'ErrImagePull',
    'failed to pull and unpack image "127.0.0.1:40525/facts/private:1": failed to resolve reference "127.0.0.1:40525/facts/private:1": pulling from host 127.0.0.1:40525 failed with status code [manifests 1]: 401 Unauthorized',
  ],
  [
    'Unauthorized',
    'ErrImagePull',
    'failed to pull and unpack image "127.0.0.1:40525/facts/private:1": failed to resolve image: pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials',
  ],
  [
    'NotFound',
    'ErrImagePull',
    'rpc error: code = NotFound desc = failed to pull and unpack image "127.0.0.1:40525/facts/absent:1": failed to resolve image: 127.0.0.1:40525/facts/absent:1: not found',
  ],
  [
    'NoMatchingPlatform',
    'ErrImagePull',
    'rpc error: code = NotFound desc = get image config descriptor: no match for platform in manifest sha256:73e348a95044a59386ace3d6d087797d41e802ec534f71b5e4f6780f8adbeab0: not found',
  ],
  [
    'RegistryUnavailable',
    'ErrImagePull',
    'failed to pull and unpack image "127.0.0.1:9/facts/down:1": failed to resolve image: failed to do request: Head "https://127.0.0.1:9/v2/facts/down/manifests/1": dial tcp 127.0.0.1:9: connect: connection refused',
  ],
  // CRI-O
  [
    'Unauthorized',
    'ErrImagePull',
    'rpc error: code = Unknown desc = Error reading manifest latest in docker.io/library/solver: errors: denied: requested access to the resource is denied unauthorized: authentication required',
  ],
  [
    'Unauthorized',
    'ErrImagePull',
    'rpc error: code = Unknown desc = unable to retrieve auth token: invalid username/password: unauthorized: Please login to the Red Hat Registry using your Customer Portal credentials. Further instructions can be found here: https://access.redhat.com/RegistryAuthentication',
  ],
  [
    'Unauthorized',
    'ErrImagePull',
    'rpc error: code = Unknown desc = Requesting bearer token: invalid status code from registry 403 (Forbidden)',
  ],
  [
    'NotFound',
    'ErrImagePull',
    'rpc error: code = Unknown desc = Error reading manifest latest in registry.mydomain/image: manifest unknown: manifest unknown',
  ],
  [
    'NotFound',
    'ErrImagePull',
    '(Mirrors also failed: [mirror.example/a:1: pinging container registry mirror.example: Get "https://mirror.example/v2/": dial tcp 10.0.0.7:443: i/o timeout]): registry.example/a:1: reading manifest 1 in registry.example/a: name unknown: repository name not known to registry',
  ],
  [
    'NoMatchingPlatform',
    'ErrImagePull',
    'choosing an image from manifest list docker://rhuss/caikit:latest: no image found in image index for architecture "arm64", variant "v8", OS "linux"',
  ],
  [
    'NoMatchingPlatform',
    'ErrImagePull',
    'rpc error: code = Unknown desc = choosing image instance: no image found in manifest list for architecture amd64, variant "", OS linux',
  ],
  [
    'RegistryUnavailable',
    'RegistryUnavailable',
    'image pull failed for localhost:7439/a:1 because the registry is unavailable: pinging container registry localhost:7439: Get "http://localhost:7439/v2/": dial tcp [::1]:7439: connect: connection refused',
  ],
  [
    'PullFailed',
    'SignatureValidationFailed',
    'image pull failed for quay.io/a:1 because the signature validation failed: Source image rejected: A signature was required, but no signature exists',
  ],
  // Docker Engine, through cri-dockerd
  [
    'Unauthorized',
    'ErrImagePull',
    "Error response from daemon: pull access denied for web, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
  ],
  [
    'Unauthorized',
    'ErrImagePull',
    'rpc error: code = Unknown desc = Error response from daemon: Get https://registry-1.docker.io/v2/library/nginx/manifests/latest: unauthorized: incorrect username or password',
  ],
  [
    'NotFound',
    'ErrImagePull',
    'Error response from daemon: manifest for cudd2v/curl-site:latest not found: manifest unknown: manifest unknown',
  ],
  [
    'NoMatchingPlatform',
    'ErrImagePull',
    'Error response from daemon: no matching manifest for linux/amd64 in the manifest list entries',
  ],
  [
    'NoMatchingPlatform',
    'ErrImagePull',
    'Error response from daemon: image operating system "windows" cannot be used on this platform',
  ],
  [
    'TooManyRequests',
    'ErrImagePull',
    'Error response from daemon: toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit',
  ],
  ['TooManyRequests', 'ErrImagePull', 'Error response from daemon: toomanyrequests: Rate exceeded'],
  [
    'RegistryUnavailable',
    'ErrImagePull',
    'Error response from daemon: received unexpected HTTP status: 503 Service Unavailable',
  ],
  [
    'RegistryUnavailable',
    'ErrImagePull',
    'Error response from daemon: Get https://registry.k8s.io/v2/: net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
  ],
  [
    'NoSpace',
    'ErrImagePull',
    'failed to register layer: ApplyLayer exit status 1 stdout:  stderr: write /usr/local/lib/file: no space left on device',
  ],
  // the kubelet itself
  [
    'InvalidName',
    'InvalidImageName',
    'Failed to apply default image tag "a b": couldn\'t parse image name "a b": invalid reference format',
  ],
  [
    'InvalidName',
    'ErrImagePull',
    'rpc error: code = InvalidArgument desc = failed to parse image reference "a:": invalid reference format',
  ],
  ['NotFound', 'ErrImageNeverPull', 'Container image "a:1" is not present with pull policy of Never'],
  ['PullFailed', 'ImageInspectError', 'Failed to inspect image "a:1": rpc error: code = Unknown desc = something odd'],
];

describe('the words of registries, runtimes and the kubelet (P5)', () => {
  it.each(recorded)('have the reason %s: %s: %s', (expected, reason, message) => {
    expect(readCause({ reason, message })?.reason).toBe(expected);
  });

  const ofPulls = recorded.filter(([, reason]) => reason === 'ErrImagePull' || reason === 'RegistryUnavailable');
  it.each(ofPulls)('have the reason %s when a newer kubelet repeats them: %s: %s', (_, reason, message) => {
    const repeated = { reason: 'ImagePullBackOff', message: `Back-off pulling image "a:1": ${reason}: ${message}` };
    expect(readCause(repeated)).toEqual(readCause({ reason, message }));
  });

  it.each([
    [failedToPull('docker.io/acme/a:1', 'pull access denied'), 'pull access denied'],
    ['Error response from daemon: toomanyrequests: Rate exceeded', 'toomanyrequests: Rate exceeded'],
    [
      failedToPull('registry.example/a:1', 'failed to do request: read tcp 10.1.2.3:41234->10.0.0.9:443: i/o timeout'),
      'failed to do request: read tcp 10.0.0.9:443: i/o timeout',
    ],
    ['denied: RequestId: 0a1b2c3d-0000-4444-8888-0123456789ab', 'denied: RequestId: …'],
    ['failed to resolve image: pull access denied', 'pull access denied'],
    ['several\n  lines', 'several lines'],
  ])(
    'are reported without the text around them, and without the parts that differ between nodes: %j',
    (message, expected) => {
      expect(readCause({ reason: 'ErrImagePull', message })?.message).toBe(expected);
    },
  );

  it('are cut if they are long, and are the reason if there are none', () => {
    expect(readCause({ reason: 'ErrImagePull', message: 'x'.repeat(2_000) })?.message).toMatch(/^x{100,200}…$/);
    expect(readCause({ reason: 'ErrImagePull', message: '' })).toEqual({
      reason: 'PullFailed',
      message: 'ErrImagePull',
    });
  });

  it('of an error in place of a reason are a failure too', () => {
    const waiting = { reason: 'failed to look up credentials', message: '' };
    expect(readCause(waiting)).toEqual({ reason: 'PullFailed', message: 'failed to look up credentials' });
  });
});

describe('words that are no failure (P6)', () => {
  it.each([
    ['ErrImagePull', 'pull QPS exceeded'],
    ['ImagePullBackOff', 'Back-off pulling image "a:1": ErrImagePull: pull QPS exceeded'],
    ['ImagePullBackOff', 'Back-off pulling image "docker.io/acme/a:1"'],
    ['ImagePullBackOff', ''],
  ])('%s: %s', (reason, message) => {
    expect(readCause({ reason, message })).toBeUndefined();
  });
});

it('only a wrong name and a missing platform are final (P6)', () => {
  const reasons = [...new Set(recorded.map(([reason]) => reason))];
  expect(reasons.filter((reason) => isFinal({ reason })).toSorted()).toEqual(['InvalidName', 'NoMatchingPlatform']);
});
