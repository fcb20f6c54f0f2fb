import { describe, expect, it } from 'vitest';
import { readSettings, SettingsError } from '../../scheduler/settings.ts';

describe('settings', () => {
  it('have documented defaults', () => {
    expect(readSettings({}, {})).toEqual({
      serviceAccount: 'default',
      sockets: [],
      stateDirectories: [],
      startTimeoutSeconds: 120,
      apiRate: 200,
      leaderElection: true,
      port: 8080,
      logLevel: 'info',
    });
  });

  it('are read from the environment, and a flag outranks it', () => {
    const environment = { NODESWEEP_PORT: '9000', NODESWEEP_SOCKETS: 'unix:///run/a.sock@pool=gpu  /run/b.sock' };
    expect(readSettings({ port: '9001' }, environment)).toMatchObject({
      port: 9001,
      sockets: [{ path: '/run/a.sock', label: { key: 'pool', value: 'gpu' } }, { path: '/run/b.sock' }],
    });
  });

  it('that can not be used are all named at once', () => {
    const read = () => readSettings({ port: 'x', sockets: 'run/a.sock' }, { NODESWEEP_LOG_LEVEL: 'loud' });
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(
      /NODESWEEP_SOCKETS \(--sockets <paths>\): "run\/a\.sock" is not an absolute path[\s\S]*NODESWEEP_PORT[\s\S]*NODESWEEP_LOG_LEVEL/,
    );
  });
});
