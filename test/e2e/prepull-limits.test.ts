import { describe, it } from 'vitest';
import { waitFor } from '../cluster/wait.ts';
import { nodeNamed, useLists } from './lists.ts';
import { readRuns, waitForRun } from './objects.ts';

/** The tests run at the same time, because each of them mostly waits. */
describe.skipIf(process.env.KUBECONFIG !== undefined)('image lists on real kubelets, and what limits them', () => {
  const bench = useLists('limits');
  const onNode1 = { nodes: nodeNamed('node-1') };
  const onNode2 = { nodes: nodeNamed('node-2') };

  it.concurrent('the deadline of a run ends it while an image is tried again and again, and the cause is still told (P5, P17)', async ({
    expect,
    onTestFinished,
  }) => {
    const { installation } = bench();
    await bench().push(['there']);
    onTestFinished(() => bench().deletePolicy('too-late'));
    const lists = [bench().listOf('late', ['there', 'absent'], onNode1)];
    await bench().applyLists('too-late', { lists, activeDeadlineSeconds: 30 });
    const run = await waitForRun(installation.kubectl, 'too-late');
    expect(run).toMatchObject({ phase: 'Failed', nodes: { desired: 1, failed: 1 } });
    expect(run.problems).toMatchObject([{ node: 'node-1', reason: 'DeadlineExceeded' }]);
    const words = new RegExp(`${bench().nameOf('absent')}: NotFound: .*not found`, 'i');
    expect(run.problems[0]?.message).toMatch(words);
    expect(await bench().imagesOn('node-1')).toContain('there');
  });

  it.concurrent('a disk that is fuller than the limit of the policy gets nothing, loses what left the lists, and keeps the rest held (P10, P12, P16)', async ({
    expect,
    onTestFinished,
  }) => {
    const { kubectl } = bench().installation;
    await bench().push(['full-stays', 'full-leaves', 'full-comes']);
    onTestFinished(() => bench().deletePolicy('too-full'));
    const lists = (images: readonly string[]) => [bench().listOf('full', images, onNode2)];
    const document = { removalPolicy: 'Delete', lists: lists(['full-stays', 'full-leaves']) };
    await bench().applyLists('too-full', document);
    expect(await waitForRun(kubectl, 'too-full')).toMatchObject({ phase: 'Succeeded' });

    const edited = { ...document, lists: lists(['full-stays', 'full-comes']), disk: { maxPercent: 1 } };
    await bench().applyLists('too-full', edited, { 'nodesweep.io/run-at': 'after the edit' });
    const run = await waitFor('the run on the full disk', 240_000, async () => {
      const runs = await readRuns(kubectl, 'too-full');
      return runs.find(({ phase }) => phase === 'Failed');
    });
    expect(run).toMatchObject({ reason: 'NoEligibleNodes', nodes: { desired: 1, skipped: 1 } });
    expect(run.problems).toMatchObject([
      { node: 'node-2', reason: 'DiskTooFull', message: expect.stringMatching(/maxPercent is 1 .*nothing was pulled/) },
    ]);
    const left = (await bench().imagesOn('node-2')).filter((image) => image.startsWith('full-'));
    expect(left).toEqual(['full-stays']);
    const holders = (await bench().pullersOf('too-full')).filter(({ status }) => status?.phase === 'Succeeded');
    expect(holders).toHaveLength(1);
  });
});
