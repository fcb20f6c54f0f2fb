import { beforeEach, describe, expect, it } from 'vitest';
import type { ImageReport } from '../../../../scheduler/run/results/losses.ts';
import { buildNode, secondsLater } from '../../../helpers/builders.ts';
import { ListScheduler } from '../../../helpers/list-scheduler.ts';

const images = ['docker.io/acme/api:1', 'docker.io/acme/web:1'];
const [api] = images;
let scheduler: ListScheduler;
let refreshes: number;

beforeEach(() => {
  scheduler = new ListScheduler([{ name: 'base', images }], { hold: false });
  refreshes = 0;
});

/** Makes the next refresh. The kubelets report of the image `api` what is given for their nodes. */
async function refresh(reports: Readonly<Record<string, ImageReport>> = {}): Promise<void> {
  const seconds = refreshes * 3_600;
  refreshes += 1;
  await scheduler.pass(secondsLater(seconds));
  for (const pod of scheduler.cluster.pods.values()) {
    const report = reports[pod.node];
    if (pod.phase === 'Pending' && report !== undefined)
      scheduler.cluster.imageReports.set(pod.name, new Map([['image-0', report]]));
  }
  scheduler.pull();
  for (const later of [3, 6]) await scheduler.pass(secondsLater(seconds + later));
}

function told(): readonly string[] {
  const { events } = scheduler.cluster;
  return events.filter(({ reason }) => reason === 'KeepsDisappearing').map(({ message }) => message);
}

function presence() {
  const { statuses } = scheduler.cluster.state();
  return statuses.get('nightly')?.value?.conditions?.find(({ type }) => type === 'Present');
}

describe('an image that a node loses between runs (P10)', () => {
  it('is told once, after the second loss in a row, with who may remove it; the condition Present shows it meanwhile', async () => {
    await refresh({ a: 'Pulled' });
    await refresh({ a: 'Pulled' });
    expect(told()).toEqual([]);
    await refresh({ a: 'Pulled' });
    expect(told()).toEqual([
      expect.stringMatching(
        /^docker\.io\/acme\/api:1 keeps disappearing from node a: 2 runs in a row .* kubelet .* another cleaner.*by hand.*hold: true/,
      ),
    ]);
    expect(presence()).toMatchObject({ status: 'True', reason: 'KeepsDisappearing' });
    scheduler.restart();
    await refresh({ a: 'Pulled', b: 'Present' });
    expect(told()).toHaveLength(1);
    await refresh({ a: 'Present' });
    expect(presence()).toMatchObject({ status: 'True', reason: 'AllPresent' });
  });

  it('is told again only if it was found present in between', async () => {
    for (const report of ['Pulled', 'Pulled', 'Pulled', 'Present', 'Pulled', 'Pulled'] as const)
      await refresh({ a: report });
    expect(told()).toHaveLength(2);
  });

  it('is not told if nothing is reported, as for most images of a large pod', async () => {
    for (let times = 0; times < 5; times += 1) await refresh();
    expect(told()).toEqual([]);
    expect(presence()).toMatchObject({ reason: 'AllPresent' });
  });

  it('is not told if the runs between say that it was present', async () => {
    for (const report of ['Pulled', 'Pulled', 'Present', 'Pulled', 'Present'] as const) await refresh({ a: report });
    expect(told()).toEqual([]);
  });

  it('is not told of an image that was not there before: it was missing, or the machine is another one', async () => {
    for (let times = 0; times < 4; times += 1) {
      scheduler.join('a', { createdAt: secondsLater(refreshes * 3_600 - 60) });
      await refresh({ a: 'Pulled' });
    }
    expect(told()).toEqual([]);
  });

  it('is forgotten when it leaves the lists', async () => {
    for (let times = 0; times < 3; times += 1) await refresh({ a: 'Pulled' });
    scheduler.putLists(
      [{ name: 'base', images: images.filter((image) => image !== api) }],
      { hold: false, removalPolicy: 'Retain' },
      '2',
    );
    await refresh();
    expect(presence()).toMatchObject({ reason: 'AllPresent' });
  });
});

it('after a run the reports of three pods are read, those of nodes with a loss first, and an error of it changes nothing (P10)', async () => {
  scheduler.cluster.nodes = Array.from({ length: 20 }, (_, index) => buildNode(`n${index + 10}`));
  let reads = 0;
  scheduler.cluster.fail = (call) => {
    if (call !== 'readImageReports') return;
    reads += 1;
    if (refreshes === 3) throw new Error('forbidden');
  };
  await refresh();
  expect(reads).toBe(0);
  await refresh();
  expect(reads).toBe(3);
  await refresh();
  expect(reads).toBe(6);
  for (let later = 0; later < 5; later += 1) await scheduler.pass(secondsLater(7_210 + later));
  expect(reads).toBe(6);
  expect(scheduler.lastRun()).toMatchObject({ phase: 'Succeeded' });
  expect(scheduler.logged).toEqual(
    Array(3).fill(expect.stringMatching(/could not read what the kubelet did.*forbidden/)),
  );
  const { statuses } = scheduler.cluster.state();
  const conditions = statuses.get('nightly')?.value?.conditions ?? [];
  expect(conditions.map(({ type, reason }) => `${type} ${reason}`)).toEqual(
    expect.arrayContaining(['Ready Valid', 'Present AllPresent']),
  );
});
