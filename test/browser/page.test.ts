import { existsSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { PageFacts } from '../../scheduler/page/facts.ts';
import { links } from '../../scheduler/page/links.ts';
import { type PageServer, servePage } from '../../scheduler/page-server.ts';
import { buildPageFacts, buildSetLog, withImageSets } from '../helpers/page-facts.ts';

/** The chromium of Debian, or another one of that family. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** The directory for pictures of all pages, for people to look at; none by default. */
const pictures = process.env.NODESWEEP_PICTURES;
const log = { info: () => {}, warn: () => {}, error: () => {} };
const small = withImageSets(buildPageFacts(24));
const [firstNode] = small.state.nodes;
const pages = {
  overview: links.overview,
  nodes: links.nodes,
  node: links.node(firstNode?.name ?? ''),
  policy: links.policy('nightly'),
  lists: links.policy('base'),
  invalid: links.policy('broken'),
  image: links.image('base', 'docker.io/acme/worker:2'),
  run: links.run('ci-1'),
  sets: links.run('nightly-3'),
  results: links.nodesOfRun('nightly-3', { state: 'Failed' }),
  missing: '/nothing',
};
/** A dark page differs only in its colours. */
const onlyColours = { runOnly: ['color-contrast'] };
const views = {
  wide: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  narrow: { viewport: { width: 320, height: 640 }, colorScheme: 'light' },
} as const satisfies Record<string, BrowserContextOptions>;

let browser: Browser;
let server: PageServer;
let facts: PageFacts = small;

beforeAll(async () => {
  if (!existsSync(executablePath)) throw new Error(`${executablePath} is missing: install chromium, or set CHROMIUM`);
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const readCleanerLog = async () => buildSetLog();
  const sources = { facts: () => facts, readCleanerLog };
  server = await servePage({ address: '127.0.0.1', port: 0, hosts: [] }, sources, log);
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

/** Opens a page of the server in a browser of its own. `troubles` are all errors and all requests to elsewhere. */
async function open(
  path: string,
  options: BrowserContextOptions = views.wide,
): Promise<{ page: Page; troubles: string[] }> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
  page.on('request', (request) => !request.url().startsWith(server.url) && troubles.push(request.url()));
  await page.goto(`${server.url.replace(/\/$/, '')}${path}`);
  return { page, troubles };
}

describe.each(Object.entries(views))('in a %s window, the page', (view, options) => {
  it.each(Object.entries(pages))(
    '%s has no problem of accessibility, fits, and loads nothing from elsewhere (H70, H73)',
    async (name, path) => {
      const { page, troubles } = await open(path, options);
      const rules = view === 'dark' ? onlyColours : {};
      for (const summary of await page.locator('summary').all()) await summary.click();
      if (pictures !== undefined)
        await page.screenshot({ path: join(pictures, `${name}-${view}.png`), fullPage: true });
      await page.evaluate(axe.source);
      const { violations } = (await page.evaluate(`axe.run(${JSON.stringify(rules)})`)) as axe.AxeResults;
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(
        0,
      );
      expect(troubles.filter((trouble) => !(name === 'missing' && trouble.includes('404')))).toEqual([]);
    },
  );
});

it.each(Object.entries(views))(
  'a %s window shows the image set that decided, with its words, once (S7, H73)',
  async (_view, options) => {
    const { page } = await open(pages.node, options);
    for (const words of ['image set cve-critical: CVE-2026-1234 critical', 'image set frozen: release 12'])
      expect(await page.getByText(words).filter({ visible: true }).count()).toBe(1);
  },
);

describe('the page that updates itself', () => {
  it('shows what is new, keeps a cause open, and keeps the focus', async () => {
    facts = small;
    const { page, troubles } = await open(links.overview);
    const cause = page.locator('details', { hasText: 'NotStarted' }).first();
    await cause.locator('summary').click();
    await cause.locator('ul a').first().focus();
    facts = buildPageFacts(25);
    await page.getByText('All 25 nodes').first().waitFor({ timeout: 60_000 });
    expect(await cause.getAttribute('open')).not.toBeNull();
    expect(await page.evaluate('document.activeElement.getAttribute("href")')).toMatch(/^\/nodes\//);
    expect(troubles).toEqual([]);
  });

  it('stands still while it is paused, and goes on afterwards', async () => {
    facts = small;
    const { page } = await open(links.overview);
    await page.getByRole('button', { name: 'Pause updates' }).click();
    facts = buildPageFacts(26);
    const answer = page.waitForResponse(server.url, { timeout: 7_000 }).then(
      () => 'asked',
      () => 'not asked',
    );
    expect(await answer).toBe('not asked');
    await page.getByRole('button', { name: 'Continue updates' }).click();
    await page.getByText('All 26 nodes').first().waitFor({ timeout: 60_000 });
  });

  it('leaves a filter alone that somebody types', async () => {
    facts = small;
    const { page } = await open(links.nodes);
    await page.getByLabel('Name contains').fill('10-0-0-1');
    await page.waitForResponse(`${server.url}nodes`, { timeout: 60_000 });
    expect(await page.getByLabel('Name contains').inputValue()).toBe('10-0-0-1');
    await page.keyboard.press('Enter');
    await page.waitForURL(/name=10-0-0-1/);
  });

  it('says that the scheduler is away, and keeps what it shows', async () => {
    const own = await servePage({ address: '127.0.0.1', port: 0, hosts: [] }, { facts: () => small }, log);
    const { page } = await open(links.overview);
    await page.goto(own.url);
    own.close();
    await page.getByRole('status').getByText('not reachable').waitFor({ timeout: 60_000 });
    expect(await page.getByRole('heading', { name: 'Fullest nodes' }).isVisible()).toBe(true);
  });
});

it('the page is complete without JavaScript (H73)', async () => {
  facts = small;
  const { page, troubles } = await open(links.overview, { ...views.wide, javaScriptEnabled: false });
  expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual([
    'Scheduler',
    'Runs in progress',
    'Policies',
    'Fullest nodes',
    'Causes',
    'What keeps disk',
    'Image lists',
  ]);
  expect(await page.getByRole('button').count()).toBe(0);
  expect(troubles).toEqual([]);
});

it('everything is reached with the keyboard, beginning with a way past the navigation (H73)', async () => {
  facts = small;
  const { page } = await open(links.overview);
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  await page.locator('summary').first().focus();
  await page.keyboard.press('Enter');
  expect(await page.locator('details').first().getAttribute('open')).not.toBeNull();
});
