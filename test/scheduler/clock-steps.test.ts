import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { SchedulerProcess } from '../helpers/scheduler-process.ts';

const maps = '/api/v1/namespaces/nodesweep/configmaps';
const leases = '/apis/coordination.k8s.io/v1/namespaces/nodesweep/leases';
const hourMs = 3_600_000;
const steppingClock = fileURLToPath(new URL('../fixtures/stepping-clock.mjs', import.meta.url));
const soon = { timeout: 25_000, interval: 50 };

/** A scheduler whose clocks can step. */
class Story {
  readonly scheduler: SchedulerProcess;

  static async tell(tell: (story: Story) => Promise<void>): Promise<void> {
    const scheduler = await SchedulerProcess.prepare();
    try {
      await tell(new Story(scheduler));
    } finally {
      await scheduler.remove();
    }
  }

  private constructor(scheduler: SchedulerProcess) {
    this.scheduler = scheduler;
  }

  get api() {
    return this.scheduler.api;
  }

  putPolicy(name: string, document: string, annotations: Record<string, string> = {}): void {
    const metadata = { labels: { 'nodesweep.io/kind': 'policy' }, annotations };
    this.api.put(maps, name, { metadata, data: { 'cleanup.yaml': document } });
  }

  /** Waits for further runs of the policy `nightly`. */
  async untilRuns(further: number): Promise<void> {
    const count = () => [...this.api.objects.keys()].filter((path) => /\/nightly-\d+\.run$/.test(path)).length;
    const before = count();
    await vi.waitFor(() => expect(count()).toBeGreaterThanOrEqual(before + further), soon);
  }

  /** Asks for a run of a policy that has none on its schedule: the scheduler sees it only if it looks after a change. */
  async untilRequestedRun(): Promise<void> {
    this.putPolicy('asked', 'schedule: "@yearly"\nsuspend: true', { 'nodesweep.io/run-at': 'now' });
    const isThere = () => [...this.api.objects.keys()].some((path) => path.startsWith(`${maps}/asked-r`));
    await vi.waitFor(() => expect(isThere()).toBe(true), soon);
  }

  /** Waits for further requests for the lease. */
  async untilLease(method: 'GET' | 'PUT', further: number): Promise<void> {
    const count = () => this.api.count(method, ({ path }) => path.startsWith(leases));
    const before = count();
    await vi.waitFor(() => expect(count()).toBeGreaterThanOrEqual(before + further), soon);
  }

  async expectAlive(): Promise<void> {
    expect([await this.scheduler.ask('/healthz'), await this.scheduler.ask('/readyz')]).toEqual([200, 200]);
  }
}

describe('a scheduler', () => {
  it.each([
    ['this machine', true, false],
    ['the API server', false, true],
  ])('goes on while the clock of %s steps back by an hour (H33, H34)', async (_title, isOurs, isTheirs) => {
    await Story.tell(async (story) => {
      story.putPolicy('nightly', 'schedule: "@every 2s"');
      story.scheduler.start({ WALL_STEP_MS: String(-hourMs) }, [steppingClock]);
      await story.untilRuns(2);
      // Nothing happens between two runs, so that no work is on its way when the clock steps.
      await sleep(1_000);
      if (isOurs) story.scheduler.stepClocks();
      if (isTheirs) story.api.clockOffsetMs = -hourMs;
      await Promise.all([story.untilRequestedRun(), story.untilRuns(2), story.untilLease('PUT', 1)]);
      await story.expectAlive();
    });
  });

  it('that waits for its turn stays alive however long nothing changes, and takes over in the end (H33)', async () => {
    await Story.tell(async (story) => {
      const renew = (holderIdentity = 'another') =>
        story.api.put(leases, 'nodesweep-scheduler', { spec: { holderIdentity, leaseDurationSeconds: 15 } });
      renew();
      const other = setInterval(renew, 200);
      const dayMs = String(24 * hourMs);
      story.scheduler.start({ WALL_STEP_MS: dayMs, MONOTONIC_STEP_MS: dayMs }, [steppingClock]);
      await vi.waitFor(async () => expect(await story.scheduler.ask('/readyz')).toBe(200), soon);
      story.scheduler.stepClocks();
      expect(await story.scheduler.ask('/healthz')).toBe(200);
      await story.untilLease('GET', 2);
      await story.expectAlive();
      expect(story.api.count('PUT', ({ path }) => path.startsWith(leases))).toBe(0);
      clearInterval(other);
      renew('');
      await story.untilRequestedRun();
    });
  });
});
