import { expect, it } from 'vitest';
import { plainScreen } from '../../../cli/output/layout/screen.ts';
import { doFit, formatVersions, versionOfImage } from '../../../cli/output/version-text.ts';

it.each([
  ['registry.test:5000/nodesweep:1.2.3', '1.2.3'],
  ['nodesweep:v1.2.3', '1.2.3'],
  [`nodesweep:1.2.3-rc1@sha256:${'ab'.repeat(32)}`, '1.2.3-rc1'],
])('the version of a scheduler with the image %s is %s', (image, version) => {
  expect(versionOfImage(image)).toEqual({ kind: 'Known', version, image });
});

it.each(['nodesweep', 'nodesweep:latest', 'registry.test:5000/nodesweep', `nodesweep@sha256:${'ab'.repeat(32)}`])(
  'the version of a scheduler with the image %s is unknown',
  (image) => {
    expect(versionOfImage(image)).toMatchObject({ kind: 'Unknown', why: expect.stringContaining(image) });
  },
);

it.each([
  ['1.2.3', 'nodesweep:1.2.9', true],
  ['1.2.3', 'nodesweep:1.3.0', false],
  ['0.1.0', 'nodesweep:0.2.0', false],
  ['1.2.3', 'nodesweep:latest', undefined],
])('nodesweep %s and %s fit: %s', (client, image, fit) => {
  expect(doFit({ client, scheduler: versionOfImage(image) })).toBe(fit);
});

it('the versions are shown with the next step if they do not fit', () => {
  const text = formatVersions({ client: '1.2.3', scheduler: versionOfImage('nodesweep:1.3.0') }, plainScreen);
  expect(text).toBe(
    'nodesweep 1.2.3\nscheduler 1.3.0 (nodesweep:1.3.0)\nThey do not fit: use nodesweep 1.3.x, or update the scheduler.',
  );
  expect(formatVersions({ client: '1.2.3' }, plainScreen)).toBe('nodesweep 1.2.3');
});
