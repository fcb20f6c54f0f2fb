import { beforeEach, describe, expect, it } from 'vitest';
import { artifact, critical, digestOf, useHarbor } from '../../helpers/harbor-producer.ts';
import type { SeenRequest } from '../../helpers/harbor-server.ts';

const harbor = useHarbor();

const isProjects = ({ method, path }: SeenRequest) => method === 'GET' && path.endsWith('/projects');

describe('the account of Harbor (S10)', () => {
  beforeEach(() => harbor.server.put('team-a', 'web', [artifact(1, { tags: ['1'], vulnerabilities: [critical] })]));

  it('is read again from its files when Harbor does not accept it any more', async () => {
    harbor.server.fault = renewOnce(({ path }) => path.endsWith('/repositories'));
    expect(await harbor.look()).toMatchObject({ images: 1 });
  });

  it('is not needed for public projects', async () => {
    harbor.server.projects.set('open', {
      isPublic: true,
      repositories: { web: [artifact(2, { tags: ['1'], vulnerabilities: [critical] })] },
    });
    await harbor.look({ isAnonymous: true });
    expect(harbor.images()).toEqual([digestOf(2)]);
    expect(harbor.server.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });

  it('is checked again after the projects were listed, because an expired one sees the public ones alone', async () => {
    harbor.server.projects.set('open', { isPublic: true, repositories: {} });
    harbor.server.fault = renewOnce(isProjects);
    expect(await harbor.look()).toMatchObject({ images: 1 });
    expect(harbor.server.requests.filter(isProjects)).toHaveLength(2);
  });

  /** Renews the password before the answer to the first request that matches. */
  function renewOnce(matches: (request: SeenRequest) => boolean) {
    let isRenewed = false;
    return (request: SeenRequest) => {
      if (matches(request) && !isRenewed) {
        isRenewed = true;
        harbor.renewPassword();
      }
      return undefined;
    };
  }
});
