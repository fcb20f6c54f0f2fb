import { expect, it } from 'vitest';
import { forecast } from '../../../cli/output/forecast.ts';
import { buildSpec } from '../../helpers/builders.ts';

it('the next scheduled times are shown in the time zone of the policy and in UTC, also across a daylight-saving change (C2)', () => {
  const policy = buildSpec({ schedule: '30 2 * * *', timeZone: 'Europe/Berlin' });
  expect(forecast('nightly', policy, 3, new Date('2026-10-24T12:00:00Z'))).toEqual([
    'nightly: 30 2 * * * (Europe/Berlin)',
    '  Sun 2026-10-25 02:30 GMT+02:00  2026-10-25T00:30:00Z',
    '  Sun 2026-10-25 02:30 GMT+01:00  2026-10-25T01:30:00Z',
    '  Mon 2026-10-26 02:30 GMT+01:00  2026-10-26T01:30:00Z',
  ]);
});

it('the settings that delay the start of a scheduled run are shown', () => {
  const policy = buildSpec({ schedule: '@hourly', jitterSeconds: 300, suspend: true });
  const [title] = forecast('nightly', policy, 1, new Date('2026-10-24T12:00:00Z'));
  expect(title).toMatch(/^nightly: @hourly \(Etc\/UTC\); suspended: no run starts; each run starts [\d.]+ s later$/);
});
