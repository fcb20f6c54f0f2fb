import { describe, expect, it } from 'vitest';
import { artifact, clean, critical, digestOf, high, unfixed, useHarbor } from '../../helpers/harbor-producer.ts';

const harbor = useHarbor();

describe('the images of Harbor with vulnerabilities (S10)', () => {
  it('are named by their digests, with the worst finding as the reason', async () => {
    harbor.server.put('team-a', 'web', [
      artifact(1, { tags: ['1'], vulnerabilities: [high, unfixed, critical, critical] }),
      artifact(2, { tags: ['2'], vulnerabilities: [high] }),
      clean(3, '3'),
    ]);
    expect(await harbor.look()).toMatchObject({ outcome: 'Written', images: 1 });
    expect(harbor.entries()).toEqual([[digestOf(1), 'CVE-2026-1 critical and 1 more, by harbor']]);
    await harbor.look({ criteria: { severities: ['CRITICAL', 'HIGH'], fixable: false } });
    expect(harbor.entries()).toEqual([
      [digestOf(1), 'CVE-2026-1 critical and 2 more, by harbor'],
      [digestOf(2), 'CVE-2026-3 high, by harbor'],
    ]);
  });

  it('count with --fixable only if one of the vulnerabilities that count has a fix', async () => {
    harbor.server.put('team-a', 'web', [
      artifact(1, { tags: ['1'], vulnerabilities: [unfixed, high] }),
      artifact(2, { tags: ['2'], vulnerabilities: [unfixed, critical] }),
    ]);
    await harbor.look({ criteria: { severities: ['CRITICAL'], fixable: true } });
    expect(harbor.entries()).toEqual([[digestOf(2), 'CVE-2026-1 critical, by harbor']]);
  });

  it('are found in repositories with slashes, on all pages, and in all projects or in those that are named', async () => {
    const many = Array.from({ length: 250 }, (_, index) =>
      artifact(index + 1, { tags: [`v${index}`], vulnerabilities: index === 249 ? [critical] : [] }),
    );
    harbor.server.put('team-a', 'apps/web/server', many);
    harbor.server.put('team-b', 'api', [artifact(900, { tags: ['1'], vulnerabilities: [critical] })]);
    await harbor.look();
    expect(harbor.images()).toEqual([digestOf(250), digestOf(900)]);
    expect(
      harbor.server.requests.some(({ path }) => path.includes('/repositories/apps%252Fweb%252Fserver/artifacts')),
    ).toBe(true);
    await harbor.look({ projects: ['team-b'] });
    expect(harbor.images()).toEqual([digestOf(900)]);
  });

  it('are named with the images of their index, except those that have a scan of their own', async () => {
    harbor.server.put('team-a', 'web', [
      artifact(1, { tags: ['1'], children: [digestOf(2), digestOf(3), digestOf(4)], vulnerabilities: [critical] }),
      artifact(2, { vulnerabilities: [critical] }),
      artifact(3, { vulnerabilities: [] }),
      artifact(4),
    ]);
    await harbor.look();
    expect(harbor.images()).toEqual([digestOf(1), digestOf(2), digestOf(4)]);
  });

  it('do not include charts, and images without a finished scan; the last line counts these', async () => {
    harbor.server.put('team-a', 'web', [
      artifact(1, { tags: ['1'] }),
      artifact(2, { tags: ['2'], scanStatus: 'Error' }),
      artifact(3, { tags: ['3'], scanStatus: 'Running' }),
      artifact(4, { tags: ['4'], type: 'CHART', vulnerabilities: [critical] }),
      clean(5, '5'),
    ]);
    const { note, images: count } = await harbor.look();
    expect(count).toBe(0);
    expect(note).toBe('of the 4 in Harbor 1 not scanned, 2 with a scan that has failed or goes on');
  });

  it('stay in the set while Harbor scans them again, because a scan of everything must not empty it (S8)', async () => {
    const scanned = artifact(1, { tags: ['1'], children: [digestOf(2)], vulnerabilities: [critical] });
    harbor.server.put('team-a', 'web', [scanned]);
    await harbor.look();
    const before = harbor.entries();
    expect(before).toHaveLength(2);
    for (const scanStatus of ['Running', 'Error', undefined]) {
      harbor.server.put('team-a', 'web', [{ ...scanned, scanStatus }]);
      await harbor.look();
      expect(harbor.entries()).toEqual(before);
    }
    await harbor.look({ criteria: { severities: ['CRITICAL'], fixable: true } });
    expect(harbor.entries()).toEqual([]);
  });

  it('leave the set when a newer scan clears them, or when they are deleted', async () => {
    harbor.server.put(
      'team-a',
      'web',
      [1, 2, 3].map((number) => artifact(number, { tags: [`${number}`], vulnerabilities: [critical] })),
    );
    await harbor.look();
    expect(harbor.images()).toHaveLength(3);
    harbor.server.put('team-a', 'web', [clean(1, '1'), artifact(2, { tags: ['2'], vulnerabilities: [critical] })]);
    await harbor.look();
    expect(harbor.images()).toEqual([digestOf(2)]);
  });

  it('have a reason without an ID if the account may not read reports, unless --fixable needs them', async () => {
    harbor.server.put('team-a', 'web', [artifact(1, { tags: ['1'], vulnerabilities: [critical, unfixed] })]);
    harbor.server.fault = ({ path }) => (path.endsWith('/additions/vulnerabilities') ? { status: 403 } : undefined);
    await harbor.look();
    expect(harbor.entries()).toEqual([[digestOf(1), '2 critical vulnerabilities, by harbor']]);
    await expect(harbor.look({ criteria: { severities: ['CRITICAL'], fixable: true } })).rejects.toThrow(
      'answered 403',
    );
  });
});
