import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { artifact, critical, digestOf, HarborProducer } from '../../helpers/harbor-producer.ts';
import type { HarborServer, SeenRequest } from '../../helpers/harbor-server.ts';

let producer: HarborProducer;
let server: HarborServer;

beforeEach(async () => {
  producer = await HarborProducer.start();
  ({ server } = producer);
});
afterEach(() => producer.stop());

const isProjects = ({ method, path }: SeenRequest) => method === 'GET' && path.endsWith('/projects');

describe('the account of Harbor (S10)', () => {
  beforeEach(() => server.put('team-a', 'web', [artifact(1, { tags: ['1'], vulnerabilities: [critical] })]));

  it('is read again from its files when Harbor does not accept it any more', async () => {
    server.fault = renewOnce(({ path }) => path.endsWith('/repositories'));
    expect(await producer.look()).toMatchObject({ images: 1 });
  });

  it('is not needed for public projects', async () => {
    server.projects.set('open', {
      isPublic: true,
      repositories: { web: [artifact(2, { tags: ['1'], vulnerabilities: [critical] })] },
    });
    await producer.look({ isAnonymous: true });
    expect(producer.images()).toEqual([digestOf(2)]);
    expect(server.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });

  it('is checked again after the projects were listed, because an expired one sees the public ones alone', async () => {
    server.projects.set('open', { isPublic: true, repositories: {} });
    server.fault = renewOnce(isProjects);
    expect(await producer.look()).toMatchObject({ images: 1 });
    expect(server.requests.filter(isProjects)).toHaveLength(2);
  });

  /** Renews the password before the answer to the first request that matches. */
  function renewOnce(matches: (request: SeenRequest) => boolean) {
    let isRenewed = false;
    return (request: SeenRequest) => {
      if (matches(request) && !isRenewed) {
        isRenewed = true;
        producer.renewPassword();
      }
      return undefined;
    };
  }
});
