import type { JobDocument } from '../../contract/job.ts';
import { buildContainer, buildImage, buildSimulatedNode, type SimulatedNode } from '../fixtures/simulated/node.ts';
import type { Truth } from './evidence.ts';
import { type Answers, answersOf, recordedAnswers } from './replay.ts';

/** A node, what crictl says of it, and a job to do there. */
export type FuzzNode = {
  readonly name: string;
  readonly truth: Truth;
  readonly answers: Answers;
  readonly job: Partial<JobDocument>;
  /** The pod that the cleaner runs in. */
  readonly podUid?: string;
  /** The number of images that are to go, and how many must not. */
  readonly expected: { readonly removed: number; readonly untouchable: number };
};

/** At a full disk everything may go that nothing keeps, and every image is inspected. */
const disk = { highPercent: 85, lowPercent: 1 };
const podUid = 'f4f7a1c8-0f3c-4d0c-9c55-0f7b8fb3a001';

const own = buildImage('docker.io/acme/nodesweep:1');
const web = buildImage('docker.io/library/web:1', {
  repoTags: ['docker.io/library/web:1', 'registry.example.com:5000/web:stable'],
  created: '2026-01-01T00:00:00Z',
});
const untagged = buildImage('untagged', {
  repoTags: [],
  repoDigests: [`docker.io/library/web@sha256:${'cd'.repeat(32)}`],
});
const exited = buildImage('docker.io/library/exited:1');
const mounted = buildImage('docker.io/library/mounted:1');
const precious = buildImage('docker.io/library/precious:1', { pinned: true });
const junk = buildImage('docker.io/library/junk:1');
const nameless = buildImage('nameless', { repoTags: [] });
const everything = [own, web, untagged, exited, mounted, precious, junk, nameless];

const recordedContainerd: Truth = {
  images: [{ id: '76585ba2601f3fbb37a09db3dff721ac27847d99541f0bcbab12dfab9d15e662', pinned: true }],
  containers: [
    {
      id: 'a16d7e2f23b3ef2a37a549fc1723da57e1ec80d6083420cf7aaf642008983cfa',
      imageId: '76585ba2601f3fbb37a09db3dff721ac27847d99541f0bcbab12dfab9d15e662',
      imageMounts: [],
    },
  ],
  sandboxImage: 'localhost/pause:1',
};

const composedCrio: Truth = {
  images: [{ id: 'b8c21ab4ca4cbe3c0e5721adff0b8ad5e3eb464a374d042940944f3e0373dc12', pinned: true }],
  containers: [
    {
      id: 'c071cf5f5ed6f884cc70155b6f05f755fd46a302d05e4261b7e92ce878bbfed8',
      imageId: '0ba655720e91fd4f00ee5a6297c47c02e3ea7549900ffe63b5ed1d995550c0ed',
      imageMounts: [
        { imageId: '5465c6b4a3ce47f943169a4c2ac743e1421cea31215a674825a928d41b791a34' },
        { imageId: '35bd8aeec43e156954336cd1b6ffff6ea9be3b0a6128d52a46ca4ae1ed16def8' },
      ],
    },
    {
      id: 'b251994ca8108bbfdac92861ce8d3c5c82c8e62de03cd9f44a3e338643bb98cc',
      imageId: 'b4c8879286216b6bac7b7b2288cc1f5948b5c3204ffbe4f01c8f603863c49cd3',
      imageMounts: [],
    },
    {
      id: 'a03f2386ae06b21109577020844df367857b72c2fcce384c1896fed98a89c82b',
      imageId: '4418f541ee2fcef9302362b3c4b4dab72854c3aaf4f7885f0ad12a7c2a32cf99',
      imageMounts: [],
    },
  ],
  sandboxImage:
    'quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:774398f74848e7ac9d85389fd554fae6a0797fdc0bb3b7cba8473616814fc95d',
};

/** Small nodes with a bit of everything: images used in every way, pinned in every way, and junk. */
export const fuzzNodes: readonly FuzzNode[] = [
  simulate('containerd-1.6', { removed: 2, untouchable: 7 }),
  simulate('containerd-2.4', { removed: 2, untouchable: 7 }),
  simulate('cri-o', { removed: 2, untouchable: 7 }),
  simulate('crictl-1.24', { removed: 3, untouchable: 6 }),
  {
    ...simulate('containerd-2.4', { removed: 2, untouchable: 7 }),
    name: 'containerd-2.4, all named',
    job: {
      removeReferences: [
        ...new Set(everything.flatMap(({ id, repoTags, repoDigests }) => [id, ...repoTags, ...repoDigests])),
      ],
    },
  },
  {
    name: 'containerd-2.4 as recorded',
    truth: recordedContainerd,
    // Only one of its containers was inspected.
    answers: { ...recordedAnswers('containerd-2.4'), ps: recordedAnswers('containerd-2.4').ps.map(withoutRunning) },
    job: {},
    expected: { removed: 3, untouchable: 1 },
  },
  {
    name: 'cri-o as composed from its sources',
    truth: composedCrio,
    answers: recordedAnswers('cri-o'),
    job: {},
    podUid: '0f1c8a52-6f0e-4c53-9a51-8f7f3a1f0b11',
    expected: { removed: 1, untouchable: 6 },
  },
];

function withoutRunning(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer), (key, value) =>
    key === 'containers' ? value.filter(({ state }: { state: string }) => state === 'CONTAINER_EXITED') : value,
  );
}

function simulate(flavour: SimulatedNode['flavour'], expected: FuzzNode['expected']): FuzzNode {
  const node = buildNode(flavour);
  return { name: flavour, truth: node, answers: answersOf(node), job: { disk }, podUid, expected };
}

function buildNode(flavour: SimulatedNode['flavour']): SimulatedNode {
  // Not every runtime pins it, and not every one tells which it is.
  const pause = buildImage('localhost/sandbox:1', { pinned: flavour === 'containerd-2.4' });
  const labels = { 'io.kubernetes.pod.uid': podUid, 'io.kubernetes.pod.name': 'nodesweep-1' };
  // An older CRI-O tells the digest alone.
  const answer = flavour === 'cri-o' ? { imageId: null } : {};
  const imageMounts = [{ containerPath: '/data', image: 'docker.io/library/mounted:1', imageId: mounted.id }];
  return buildSimulatedNode({
    flavour,
    sandboxImage: 'localhost/sandbox:1',
    images: [own, web, untagged, exited, mounted, precious, pause, junk, nameless],
    containers: [
      buildContainer(own, { labels }),
      buildContainer(web, flavour === 'crictl-1.24' ? {} : { imageMounts }),
      // Its tag has moved to another image.
      buildContainer(untagged, { image: 'docker.io/library/web:1', answer }),
      buildContainer(exited, { state: 'CONTAINER_EXITED', finishedAt: '2026-01-01T00:00:00Z' }),
    ],
    sandboxes: [
      { id: 's', name: 'web', namespace: 'default', state: 'SANDBOX_READY', createdAt: '2026-01-01T00:00:00Z' },
    ],
  });
}
