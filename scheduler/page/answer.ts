import { type Address, parseAddress } from './address.ts';
import { isExpectedHost } from './expected-host.ts';
import type { PageFacts } from './facts.ts';
import { html } from './html.ts';
import { links } from './links.ts';
import { imagePage } from './pages/image.ts';
import { nodePage } from './pages/node.ts';
import { nodesPage } from './pages/nodes.ts';
import { overviewPage } from './pages/overview.ts';
import { policyPage } from './pages/policy.ts';
import { runNodesPage, runPage } from './pages/run.ts';
import { documentOf, type Page } from './parts/layout.ts';
import { script } from './script.ts';
import { icon, stylesheet } from './stylesheet.ts';

/** The parts of a request that decide its answer. */
export interface PageRequest {
  readonly method: string;
  /** The header `Host`. */
  readonly host: string | undefined;
  /** The path with its query. */
  readonly target: string;
}

export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The headers of every answer. The page loads nothing from elsewhere, runs no script but its own, is shown in no frame, sends
 * nothing, sets no cookie, and is kept by no cache.
 */
const headers = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
} as const;

const assets: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  [links.stylesheet]: { type: 'text/css; charset=utf-8', text: stylesheet },
  [links.script]: { type: 'text/javascript; charset=utf-8', text: script },
  [links.icon]: { type: 'image/svg+xml', text: icon },
};

/** Answers a request. `facts` is read only for a page. `hosts` are the names, beside addresses, under which the page is served. */
export function answerPage(
  { method, host, target }: PageRequest,
  facts: () => PageFacts,
  hosts: readonly string[],
): PageAnswer {
  if (method !== 'GET' && method !== 'HEAD')
    return plain(405, 'The page is read-only: use GET or HEAD.', { allow: 'GET, HEAD' });
  if (!isExpectedHost(host, hosts))
    return plain(
      421,
      `The page is not served as ${JSON.stringify(host ?? '')}. Use an address or localhost, or add the name to NODESWEEP_PAGE_HOSTS.`,
    );
  const address = parseAddress(target);
  if (address === undefined) return plain(400, 'The address can not be read.');
  const asset = assets[address.path];
  if (asset !== undefined) return answer(200, asset.type, asset.text);
  const known = facts();
  const page = pageAt(address, known) ?? missing;
  return answer(page.status ?? 200, 'text/html; charset=utf-8', documentOf(page, known));
}

const missing: Page = {
  title: 'Not found',
  status: 404,
  body: html`<p>There is nothing at this address. The record may have expired, or the node has left the cluster.</p>
<p><a href="${links.overview}">Overview</a></p>`,
};

/** The page at an address; undefined if there is none. */
function pageAt({ parts, query, page }: Address, facts: PageFacts): Page | undefined {
  const [first = '', name = '', third, last, ...more] = parts;
  if (more.length > 0) return undefined;
  switch (
    [first, name && 'NAME', third, last && 'LAST'].filter((part) => part !== undefined && part !== '').join('/')
  ) {
    case '':
      return overviewPage(facts);
    case 'nodes':
      return nodesPage(facts, { name: query.get('name') ?? '', page });
    case 'nodes/NAME':
      return nodePage(facts, name, page);
    case 'policies/NAME':
      return policyPage(facts, name, page);
    case 'policies/NAME/images/LAST':
      return imagePage(facts, { policy: name, image: last ?? '' }, page);
    case 'runs/NAME':
      return runPage(facts, name);
    case 'runs/NAME/nodes':
      return runNodesPage(facts, name, {
        state: query.get('state') ?? undefined,
        reason: query.get('reason') ?? undefined,
        page,
      });
    default:
      return undefined;
  }
}

function plain(status: number, text: string, more: Readonly<Record<string, string>> = {}): PageAnswer {
  return answer(status, 'text/plain; charset=utf-8', `${text}\n`, more);
}

function answer(status: number, type: string, body: string, more: Readonly<Record<string, string>> = {}): PageAnswer {
  return { status, headers: { ...headers, 'content-type': type, ...more }, body };
}
