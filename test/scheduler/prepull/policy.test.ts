import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePrepull, prepullJsonSchema } from '../../../scheduler/prepull/policy.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const list = (images: unknown, others: object = {}) => ({ name: 'base', images, ...others });

/** The problems of a policy with these lists, as `path: message`. */
function problemsOf(lists: unknown, others: object = {}): readonly string[] {
  const parsed = parsePrepull(JSON.stringify({ schedule: '@daily', lists, ...others }));
  return parsed.valid ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('a policy of image lists', () => {
  it('has the documented defaults', () => {
    const parsed = parsePrepull('{schedule: "0 * * * *", lists: [{name: base, images: [docker.io/acme/api:1.4]}]}');
    expect(parsed).toMatchObject({
      valid: true,
      policy: {
        schedule: '0 * * * *',
        timeZone: 'Etc/UTC',
        suspend: false,
        lists: [
          {
            name: 'base',
            images: ['docker.io/acme/api:1.4'],
            nodes: { includeUnschedulable: false, matchLabels: {}, tolerations: [{ operator: 'Exists' }] },
            imagePullSecrets: [],
          },
        ],
        hold: true,
        newNodes: true,
        removalPolicy: 'Delete',
        disk: { maxPercent: 80 },
        rollout: { parallelism: '10%', perRegistry: 20, canary: 0, failurePolicy: 'Continue', restartLimit: 3 },
        imagePullTimeoutSeconds: 600,
        activeDeadlineSeconds: 3600,
        concurrencyPolicy: 'Forbid',
        dryRun: false,
        onPressure: false,
        nodes: { includeUnschedulable: true },
      },
    });
    expect(parsed.valid && parsed.policy.startupTaint).toBeUndefined();
    expect(parsed.valid && parsed.policy.lists[0]?.imagePullPolicy).toBeUndefined();
  });

  it('writes references in full', () => {
    const parsed = parsePrepull(
      `{schedule: "@daily", lists: [{name: base, images: [nginx, acme/api, "localhost:5000/a:1", "nginx@${digest}"]}]}`,
    );
    expect(parsed.valid && parsed.policy.lists[0]?.images).toEqual([
      'docker.io/library/nginx:latest',
      'docker.io/acme/api:latest',
      'localhost:5000/a:1',
      `docker.io/library/nginx@${digest}`,
    ]);
  });

  it.each([
    ['*', /^lists\[0\]\.images\[0\]: is a glob/],
    ['docker.io/acme/api:1.*', /^lists\[0\]\.images\[0\]: is a glob/],
    ['docker.io/Acme/Api:1', /^lists\[0\]\.images\[0\]: has upper-case letters .* write docker\.io\/acme\/api$/],
    ['Registry.example.com/api', /^lists\[0\]\.images\[0\]: has upper-case letters/],
    ['docker.io/acme/api:', /^lists\[0\]\.images\[0\]: is not an image reference/],
    ['docker.io//api', /^lists\[0\]\.images\[0\]: is not an image reference/],
    ['docker.io/acme/api:<none>', /^lists\[0\]\.images\[0\]: is not an image reference/],
    ['docker://acme/api:1', /^lists\[0\]\.images\[0\]: has a scheme; write acme\/api:1$/],
    ['acme/api :1', /^lists\[0\]\.images\[0\]: must not contain spaces/],
    ['b'.repeat(64), /^lists\[0\]\.images\[0\]: is the ID of an image/],
    [digest, /^lists\[0\]\.images\[0\]: is the ID of an image/],
    ['acme/api@sha256:abc', /^lists\[0\]\.images\[0\]: has a malformed digest; write sha256: and 64 digits/],
    [`acme/api@sha256:${'A'.repeat(64)}`, /^lists\[0\]\.images\[0\]: has a malformed digest/],
    [`acme/api@sha256:${'a'.repeat(64)}:1`, /^lists\[0\]\.images\[0\]: has a malformed digest/],
    [`acme/api@md5:${'a'.repeat(32)}`, /^lists\[0\]\.images\[0\]: has the digest md5:a+; write sha256:/],
  ])('refuses the image %s (P20)', (image, expected) => {
    expect(problemsOf([list([image])])).toEqual([expect.stringMatching(expected)]);
  });

  it.each([[''], [[]], [null]])('is told how to say what it means if its lists are %j (P20)', (lists) => {
    expect(problemsOf(lists)).toEqual([
      expect.stringMatching(/^lists: has no list; .*delete the policy; .*suspend: true/),
    ]);
  });

  it.each([[[]], [''], [' '], [null]])(
    'is told how to say what it means if a list has the images %j (P20)',
    (images) => {
      expect(problemsOf([list(images)])).toEqual([
        expect.stringMatching(/^lists\[0\]\.images: has no image; .*remove the list, .*suspend: true/),
      ]);
    },
  );

  it('has an error with the correct form if a list has an empty text for an image (P20)', () => {
    expect(problemsOf([list([''])])).toEqual([
      expect.stringMatching(/^lists\[0\]\.images\[0\]: is empty; .*remove the list, .*suspend: true/),
    ]);
  });

  it('needs lists, and images in each of them (P20)', () => {
    expect(problemsOf(undefined)).toEqual(['lists: is required']);
    expect(problemsOf([{}])).toEqual(['lists[0].name: is required', 'lists[0].images: is required']);
    expect(problemsOf([list('nginx')])).toEqual([
      expect.stringMatching(/^lists\[0\]\.images: must be a list; write \[nginx\]/),
    ]);
  });

  it('refuses an image that occurs twice in a list, in any spelling (P20)', () => {
    expect(problemsOf([list(['nginx', 'acme/api:1', 'docker.io/library/nginx:latest'])])).toEqual([
      'lists[0].images[2]: is the image of images[0] again (docker.io/library/nginx:latest); leave one of them out',
    ]);
    expect(problemsOf([list([`nginx@${digest}`, `nginx:1@${digest}`])])).toEqual([
      expect.stringMatching(/^lists\[0\]\.images\[1\]: is the image of images\[0\] again/),
    ]);
    expect(problemsOf([list(['nginx:1', 'nginx:2', `nginx@${digest}`])])).toEqual([]);
  });

  it('refuses an image with two settings on one node, but not on nodes that differ (P20)', () => {
    const lists = (one: object, other: object) => [
      list(['nginx'], one),
      { name: 'ci', images: ['acme/api:1', 'docker.io/library/nginx'], ...other },
    ];
    const secret = { imagePullSecrets: [{ name: 'reg' }] };
    const onGpu = { nodes: { matchLabels: { gpu: 'yes' } } };
    const offGpu = { nodes: { matchExpressions: [{ key: 'gpu', operator: 'NotIn', values: ['yes'] }] } };
    expect(problemsOf(lists({}, secret))).toEqual([
      expect.stringMatching(
        /^lists\[1\]\.images\[1\]: is also lists\[0\]\.images\[0\], with other imagePullSecrets, .*exclude each other$/,
      ),
    ]);
    expect(problemsOf(lists({}, { imagePullPolicy: 'IfNotPresent' }))).toEqual([
      expect.stringMatching(/^lists\[1\]\.images\[1\]: .*with other imagePullPolicy/),
    ]);
    expect(problemsOf(lists({}, { imagePullPolicy: 'Always' }))).toEqual([]);
    expect(problemsOf(lists(secret, secret))).toEqual([]);
    expect(problemsOf(lists(onGpu, { ...offGpu, ...secret }))).toEqual([]);
    expect(problemsOf(lists(onGpu, secret))).toHaveLength(1);
  });

  it('refuses names, secrets and selectors that the API server would refuse (P20)', () => {
    const lists = [
      { name: 'Base', images: ['nginx'], imagePullSecrets: [{ name: 'Reg_1' }, 'reg', { name: '' }] },
      { name: 'a', images: ['nginx:1'], nodes: { matchLabels: { 'a b': 'c' } }, imagePullPolicy: 'Sometimes' },
      { name: 'a', images: ['nginx:2'], nodes: { matchExpressions: [{ key: 'pool', operator: 'In' }] } },
    ];
    expect(problemsOf(lists)).toEqual([
      expect.stringMatching(/^lists\[0\]\.name: must be a DNS label/),
      expect.stringMatching(/^lists\[0\]\.imagePullSecrets\[0\]\.name: must be a name of at most 253 lower-case/),
      expect.stringMatching(/^lists\[0\]\.imagePullSecrets\[1\]: must be a mapping/),
      expect.stringMatching(/^lists\[0\]\.imagePullSecrets\[2\]\.name: must be a name/),
      expect.stringMatching(/^lists\[1\]\.nodes\.matchLabels\.a b: the key must consist/),
      expect.stringMatching(/^lists\[1\]\.imagePullPolicy: /),
      expect.stringMatching(/^lists\[2\]\.nodes\.matchExpressions\[0\]\.values: must be set with In/),
      expect.stringMatching(/^lists\[2\]\.name: is also the name of lists\[1\]/),
    ]);
  });

  it('refuses more images, lists and images of a node than it can serve (P20)', () => {
    const images = (count: number, prefix = 'a') => Array.from({ length: count }, (_, index) => `${prefix}:${index}`);
    const pools = (pool: (index: number) => string) =>
      ['a', 'b', 'c'].map((name, index) => ({
        name,
        images: images(90, name),
        nodes: { matchLabels: { pool: pool(index) } },
      }));
    expect(problemsOf([list(images(101))])).toEqual([expect.stringMatching(/^lists\[0\]\.images: .*at most 100/)]);
    expect(problemsOf(images(33).map((image, index) => ({ name: `l${index}`, images: [image] })))).toEqual([
      expect.stringMatching(/^lists: .*at most 32/),
    ]);
    expect(problemsOf(pools(() => 'one'))).toEqual([
      expect.stringMatching(
        /^lists: give 270 images to a node that matches lists\[0\] and lists\[1\] and lists\[2\], .*at most 256/,
      ),
    ]);
    expect(problemsOf(pools(String))).toEqual([]);
  });

  it('has no fields of cleanup policies (P20)', () => {
    const others = { images: {}, dryRun: true, nodes: {}, concurrencyPolicy: 'Allow' };
    expect(problemsOf([list(['nginx'])], others)).toEqual(
      Object.keys(others).map((key) => expect.stringMatching(`^${key}: is not a known field`)),
    );
  });

  const mistakes = {
    schedule: { change: { schedule: '61 * * * *' }, path: 'schedule' },
    unknown: { change: { typo: 1 }, path: 'typo' },
    type: { change: { hold: 'yes' }, path: 'hold' },
    limit: { change: { disk: { maxPercent: 101 } }, path: 'disk.maxPercent' },
    registry: { change: { rollout: { perRegistry: 0 } }, path: 'rollout.perRegistry' },
    timeout: { change: { imagePullTimeoutSeconds: 0 }, path: 'imagePullTimeoutSeconds' },
    taint: { change: { startupTaint: { timeoutSeconds: 0 } }, path: 'startupTaint.timeoutSeconds' },
  } as const;
  const listMistakes = {
    glob: { list: { name: 'm', images: ['x*'] }, path: 'images[0]' },
    twice: { list: { name: 'm', images: ['x', 'y', 'x'] }, path: 'images[2]' },
    conflict: { list: { name: 'm', images: ['nginx'], imagePullPolicy: 'Never' }, path: 'images[0]' },
    name: { list: { name: 'base', images: ['x:9'] }, path: 'name' },
    unknown: { list: { name: 'm', images: ['x:9'], pullPolicy: 'Always' }, path: 'pullPolicy' },
    type: { list: { name: 'm', images: [7] }, path: 'images[0]' },
    selector: {
      list: { name: 'm', images: ['x:9'], nodes: { matchLabels: { a: 'b c' } } },
      path: 'nodes.matchLabels.a',
    },
  } as const;

  it('every problem is reported with its path, all at the same time (P20)', () => {
    const keys = Object.keys(mistakes) as (keyof typeof mistakes)[];
    const listKeys = Object.keys(listMistakes) as (keyof typeof listMistakes)[];
    fc.assert(
      fc.property(fc.subarray(keys), fc.option(fc.constantFrom(...listKeys)), (chosen, inList) => {
        const others = Object.assign({}, ...chosen.map((key) => mistakes[key].change));
        const lists = [list(['nginx']), ...(inList === null ? [] : [listMistakes[inList].list])];
        const paths = problemsOf(lists, others).map((problem) => problem.replace(/: .*/s, ''));
        const expected = chosen.map((key) => mistakes[key].path as string);
        if (inList !== null) expected.push(`lists[1].${listMistakes[inList].path}`);
        expect(paths.toSorted()).toEqual(expected.toSorted());
      }),
    );
  });

  it('never has a problem without a path in its document, with any lists (P20)', () => {
    const image = fc.oneof(fc.constantFrom('nginx', 'nginx:latest', 'A', '*', '', digest), fc.string(), fc.anything());
    const lists = fc.oneof(
      fc.anything(),
      fc.array(
        fc.record(
          {
            name: fc.oneof(fc.constant('a'), fc.anything()),
            images: fc.oneof(fc.array(image), fc.anything()),
            nodes: fc.anything(),
          },
          { requiredKeys: [] },
        ),
      ),
    );
    fc.assert(
      fc.property(fc.jsonValue(), lists, (junk, value) => {
        const parsed = parsePrepull(JSON.stringify({ schedule: '@daily', lists: value ?? junk }));
        if (!parsed.valid) for (const { path } of parsed.problems) expect(path).toMatch(/^(lists|line )/);
      }),
    );
  });

  it('has a JSON Schema for editors', () => {
    expect(prepullJsonSchema()).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      required: ['schedule', 'lists'],
      additionalProperties: false,
      properties: { lists: { items: { required: ['name', 'images'] } }, hold: { default: true } },
    });
  });
});
