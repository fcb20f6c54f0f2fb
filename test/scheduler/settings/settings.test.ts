import { describe, expect, it } from 'vitest';
import { pagePortOf, readSettings, SettingsError } from '../../../scheduler/settings/settings.ts';

describe('settings', () => {
  it('have documented defaults', () => {
    expect(readSettings({}, {})).toEqual({
      serviceAccount: 'default',
      priorityClass: 'nodesweep-cleaner',
      podLabels: {},
      podAnnotations: {},
      imagePullSecrets: [],
      tolerations: [],
      seLinuxType: '',
      requests: { cpu: '0', memory: '0' },
      limits: { memory: '256Mi' },
      sockets: [],
      stateDirectories: [],
      workloadResources: [],
      startTimeoutSeconds: 120,
      runtimeTimeoutSeconds: 120,
      apiRate: 200,
      leaderElection: true,
      registryCheck: false,
      registrySecrets: [],
      registryPlainHosts: [],
      port: 8080,
      pageAddress: '127.0.0.1',
      pageHosts: [],
      logLevel: 'info',
    });
  });

  it('for registries are paths and hosts, and each problem is told (S12)', () => {
    const environment = {
      NODESWEEP_REGISTRY_CHECK: 'true',
      NODESWEEP_REGISTRY_SECRETS: '/etc/a.json  /etc/b.json',
      NODESWEEP_REGISTRY_CA: '/etc/ca.pem',
      NODESWEEP_REGISTRY_PLAIN_HTTP: 'Registry.example:5000 [fd00::1]:5000 cache',
    };
    expect(readSettings({}, environment)).toMatchObject({
      registryCheck: true,
      registrySecrets: ['/etc/a.json', '/etc/b.json'],
      registryCa: '/etc/ca.pem',
      registryPlainHosts: ['registry.example:5000', '[fd00::1]:5000', 'cache'],
    });
    const wrong = { registryCheck: 'yes', registrySecrets: 'a.json', registryPlainHosts: 'http://a/ b' };
    const read = () => readSettings(wrong, {});
    expect(read).toThrow(/NODESWEEP_REGISTRY_CHECK/);
    expect(read).toThrow(/"a.json" is not an absolute path/);
    expect(read).toThrow(/"http:\/\/a\/" is not host or host:port/);
  });

  it('are read from the environment, and a flag takes precedence', () => {
    const environment = { NODESWEEP_PORT: '9000', NODESWEEP_SOCKETS: 'unix:///run/a.sock@pool=gpu  /run/b.sock' };
    expect(readSettings({ port: '9001' }, environment)).toMatchObject({
      port: 9001,
      sockets: [{ path: '/run/a.sock', label: { key: 'pool', value: 'gpu' } }, { path: '/run/b.sock' }],
    });
  });

  it('of notifications are absent by default, and can be turned off with an empty value', () => {
    const environment = {
      NODESWEEP_NOTIFY_URL_FILE: '/etc/url',
      NODESWEEP_NOTIFY_FORMAT: 'teams',
      NODESWEEP_NOTIFY_CLUSTER: '',
    };
    const { notifyUrlFile, notifyFormat, notifyCluster } = readSettings({}, environment);
    expect([notifyUrlFile, notifyFormat, notifyCluster]).toEqual(['/etc/url', 'teams', undefined]);
    expect(readSettings({}, { NODESWEEP_NOTIFY_URL_FILE: '' }).notifyUrlFile).toBeUndefined();
    expect(() => readSettings({}, { NODESWEEP_NOTIFY_FORMAT: 'fax' })).toThrow(/NODESWEEP_NOTIFY_FORMAT .*slack/);
  });

  it('take no address in place of its file, and do not show it (H63)', () => {
    const read = () => readSettings({}, { NODESWEEP_NOTIFY_URL_FILE: 'https://hooks.test/TOPSECRET' });
    expect(read).toThrow(/NODESWEEP_NOTIFY_URL_FILE .*must be the absolute path of a file with the address/);
    expect(read).not.toThrow(/TOPSECRET/);
  });

  it('of the cleaner pods are read as labels, annotations, secrets and quantities', () => {
    const environment = {
      NODESWEEP_POD_LABELS: 'team=infra  example.com/cost=12',
      NODESWEEP_POD_ANNOTATIONS: 'note=a=b',
      NODESWEEP_IMAGE_PULL_SECRETS: 'one two',
      NODESWEEP_TOLERATIONS: 'dedicated=infra:NoExecute  example.com/gpu:NoSchedule spot empty=',
      NODESWEEP_LIMITS: 'memory=1Gi cpu=500m',
      NODESWEEP_PRIORITY_CLASS: '',
    };
    expect(readSettings({}, environment)).toMatchObject({
      podLabels: { team: 'infra', 'example.com/cost': '12' },
      podAnnotations: { note: 'a=b' },
      imagePullSecrets: ['one', 'two'],
      tolerations: [
        { key: 'dedicated', operator: 'Equal', value: 'infra', effect: 'NoExecute' },
        { key: 'example.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
        { key: 'spot', operator: 'Exists' },
        { key: 'empty', operator: 'Equal', value: '' },
      ],
      limits: { memory: '1Gi', cpu: '500m' },
      priorityClass: '',
    });
  });

  it('give the status page a port in a cluster, and none elsewhere unless it is asked for', () => {
    const portOf = (port: string | undefined, isInCluster: boolean) =>
      pagePortOf(readSettings({}, { NODESWEEP_PAGE_PORT: port }), isInCluster);
    expect([portOf(undefined, true), portOf(undefined, false)]).toEqual([8081, undefined]);
    expect([portOf('0', true), portOf('9000', true), portOf('9000', false)]).toEqual([undefined, 9000, 9000]);
  });

  it.each([
    ['NODESWEEP_PAGE_PORT', 'x', /must be a port, or 0 for no page/],
    ['NODESWEEP_PAGE_PORT', '70000', /must be at most 65535/],
    ['NODESWEEP_PAGE_ADDRESS', 'all', /must be an IP address, such as 127\.0\.0\.1/],
    ['NODESWEEP_PAGE_HOSTS', 'ok.example.com a_b', /"a_b" is not the name of a host/],
  ])('of the status page are checked: %s=%s', (variable, value, message) => {
    expect(() => readSettings({}, { [variable]: value })).toThrow(message);
  });

  it.each([
    ['NODESWEEP_PRIORITY_CLASS', 'system-node-critical', /must not be a critical class/],
    ['NODESWEEP_POD_LABELS', 'a b=c', /"a" is not written key=value, as a label: there is no "="/],
    ['NODESWEEP_POD_LABELS', 'a..b/c=d', /"a\.\.b\/c=d" is not .*: the key must have a DNS name before "\/"/],
    ['NODESWEEP_POD_LABELS', '__proto__=x', /"__proto__=x" is not .*: the key must consist of letters/],
    ['NODESWEEP_POD_ANNOTATIONS', '-=x', /"-=x" is not written key=value, as an annotation: the key must/],
    [
      'NODESWEEP_SOCKETS',
      '/run/a.sock@a_b/c=d',
      /"\/run\/a\.sock@a_b\/c=d" is not an absolute path, or .*: the key must have a DNS name/,
    ],
    ['NODESWEEP_POD_LABELS', 'a=-', /"a=-" is not written key=value/],
    ['NODESWEEP_TOLERATIONS', 'dedicated:Never', /"dedicated:Never" is not written key=value:effect/],
    ['NODESWEEP_TOLERATIONS', 'a b:', /"b:" is not written key=value:effect/],
    ['NODESWEEP_TOLERATIONS', '-a=b:NoSchedule', /"-a=b:NoSchedule" is not written/],
    ['NODESWEEP_SELINUX_TYPE', 'spc t', /must be an SELinux type/],
    ['NODESWEEP_LIMITS', 'memory=much', /"memory=much" is not written resource=quantity/],
  ])(
    'of the cleaner pods that the API server would refuse are refused immediately: %s=%s (H20)',
    (variable, value, expected) => {
      expect(() => readSettings({}, { [variable]: value })).toThrow(expected);
    },
  );

  it('name further kinds of workloads by plural, group and version (H5)', () => {
    const read = (text: string) => readSettings({ workloadResources: text }, {}).workloadResources;
    expect(read('rollouts.argoproj.io/v1alpha1, deploymentconfigs.apps.openshift.io/v1')).toEqual([
      'rollouts.argoproj.io/v1alpha1',
      'deploymentconfigs.apps.openshift.io/v1',
    ]);
    for (const wrong of [
      'rollouts',
      'rollouts/v1',
      'argoproj.io/v1alpha1/rollouts',
      'Rollout.argoproj.io/v1',
      'a..b/v1',
    ])
      expect(() => read(wrong)).toThrow(
        `"${wrong}" is not plural.group/version, such as rollouts.argoproj.io/v1alpha1`,
      );
  });

  it('that cannot be used are all named at once', () => {
    const read = () => readSettings({ port: 'x', sockets: 'run/a.sock' }, { NODESWEEP_LOG_LEVEL: 'loud' });
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(
      /NODESWEEP_SOCKETS \(--sockets <paths>\): "run\/a\.sock" is not an absolute path[\s\S]*NODESWEEP_PORT[\s\S]*NODESWEEP_LOG_LEVEL/,
    );
  });
});
