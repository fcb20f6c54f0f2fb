import { expect, it } from 'vitest';
import { buildContainer, buildImage, buildSandbox } from '../../fixtures/simulated/node.ts';
import { nameOf, runClean } from '../../helpers/clean.ts';
import { decisions, old, prepare, web } from '../../helpers/node-to-clean.ts';

it.each(['containerd-1.6', 'containerd-2.4', 'cri-o'] as const)(
  'the cleaner keeps the image of sandboxes on %s, whatever its name is, also when the runtime is configured with another one now (H7)',
  async (flavour) => {
    const base = buildImage('registry.example.com/k8s/sandbox-base:3.10');
    const sandboxes = [buildSandbox('web', { image: nameOf(base) })];
    const bench = await prepare({ flavour, images: [web, old, base], containers: [buildContainer(web)], sandboxes });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(decisions(run)).toMatchObject({ [nameOf(base)]: 'keep Pinned', [nameOf(old)]: 'remove removed' });
  },
);

it.each(['sha256:', ''])(
  'the cleaner keeps a pause image that the runtime names by its ID, with the prefix "%s" (H30, T7)',
  async (prefix) => {
    const base = buildImage('registry.test/base:1');
    const sandboxImage = prefix + base.id.replace('sha256:', '');
    const bench = await prepare({
      flavour: 'containerd-1.6',
      sandboxImage,
      images: [web, old, base],
      containers: [buildContainer(web)],
    });
    const run = await runClean(bench);

    expect(decisions(run)).toMatchObject({ [nameOf(base)]: 'keep Pinned', [nameOf(old)]: 'remove removed' });
    expect(run.exitCode).toBe(0);
  },
);
