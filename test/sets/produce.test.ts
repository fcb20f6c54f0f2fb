import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseImageSet, type SetEntry } from '../../contract/images/image-set.ts';
import { type Produced, produce } from '../../sets/produce.ts';
import type { SetBefore, SetContent, SetSource } from '../../sets/source.ts';
import { FakeSetStore } from '../helpers/fake-set-store.ts';

const lookedAt = new Date('2026-03-01T10:00:00Z');
const web = { image: 'docker.io/acme/web:1', reason: 'CVE-2026-1 critical' };
const api = { image: 'docker.io/acme/api:2' };

let store: FakeSetStore;
let looks: SetBefore[];

beforeEach(() => {
  store = new FakeSetStore();
  looks = [];
});

/** A source that answers each look with the next content, and the last one again and again. */
function sourceOf(...contents: readonly (SetContent | Error)[]): SetSource {
  return {
    description: 'the test',
    read: async (before) => {
      looks.push(before);
      const content = contents[Math.min(looks.length, contents.length) - 1];
      if (content instanceof Error || content === undefined) throw content;
      return content;
    },
  };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const imagesOf = (text: string | undefined) => parseImageSet(text ?? '').entries.map(({ image }) => image);

function run(source: SetSource, signal = new AbortController().signal): Promise<Produced> {
  return produce(source, store, { signal, readClock: () => lookedAt });
}

describe('a producer', () => {
  it('writes the content in order and without duplicates, with the time of the look, in one write (S8)', async () => {
    const source = sourceOf({ entries: [web, api, { ...web, reason: 'another' }] });
    expect(await run(source)).toEqual({ outcome: 'Written', images: 2, added: 2, removed: 0 });
    expect(store.text).toBe(
      '# Written by nodesweep from the test. Changes by hand are lost.\ndocker.io/acme/api:2\ndocker.io/acme/web:1 # CVE-2026-1 critical\n',
    );
    expect(store.updatedAt).toEqual(lookedAt);
    expect(store.writes).toEqual(['text']);
  });

  it('writes the time of the look if nothing has changed (S8)', async () => {
    await run(sourceOf({ entries: [web], memory: bytes('a') }));
    store.updatedAt = undefined;
    const again = await run(sourceOf({ entries: [web], memory: bytes('a') }));
    expect(again).toEqual({ outcome: 'Unchanged', images: 1, added: 0, removed: 0 });
    expect(store.updatedAt).toEqual(lookedAt);
    expect(store.writes).toEqual(['text', 'memory', 'text']);
  });

  it('gives the source its set and its memory at the next look', async () => {
    await run(sourceOf({ entries: [web], memory: bytes('seen: web') }));
    await run(sourceOf({ entries: [api] }));
    expect(looks[1]?.entries.map(({ image }) => image)).toEqual([web.image]);
    expect(new TextDecoder().decode(looks[1]?.memory)).toBe('seen: web');
    expect(store.writes).toEqual(['text', 'memory', 'text']);
  });

  it('writes nothing if the source fails, at any number of looks (S8)', async () => {
    await run(sourceOf({ entries: [web], memory: bytes('a') }));
    const { text, memory } = store;
    store.updatedAt = undefined;
    const failing = run(sourceOf(new Error('page 7 of 9 answers 500')));
    await expect(failing).rejects.toMatchObject({
      name: 'SourceError',
      message: 'nothing is written from the test: page 7 of 9 answers 500',
    });
    expect(store).toMatchObject({ text, memory, updatedAt: undefined, writes: ['text', 'memory'] });
  });

  it('looks again at everything if somebody else writes meanwhile (S8)', async () => {
    let others = 2;
    store.beforeWrite = () => {
      others -= 1;
      if (others >= 0) store.writeAsOther(`docker.io/acme/other:${others}\n`);
    };
    expect(await run(sourceOf({ entries: [web] }))).toEqual({ outcome: 'Written', images: 1, added: 1, removed: 1 });
    expect(looks.map(({ entries }) => entries.map(({ image }) => image))).toEqual([
      [],
      ['docker.io/acme/other:1'],
      ['docker.io/acme/other:0'],
    ]);
    expect(store.writes).toEqual(['text']);
  });

  it('gives up with an error if somebody else writes each time', async () => {
    store.beforeWrite = () => store.writeAsOther('docker.io/acme/other:1\n');
    await expect(run(sourceOf({ entries: [web] }))).rejects.toThrow(
      'image set test was changed by somebody else during each of 5 attempts',
    );
    expect(store.writes).toEqual([]);
  });

  it('that is killed between the set and its memory sees the new set with the old memory, and completes both', async () => {
    await run(sourceOf({ entries: [web], memory: bytes('old') }));
    store.beforeWrite = (part) => {
      if (part === 'memory') throw new Error('killed');
    };
    await expect(run(sourceOf({ entries: [api], memory: bytes('new') }))).rejects.toThrow('killed');
    expect(imagesOf(store.text)).toEqual([api.image]);
    store.beforeWrite = () => {};
    await run(sourceOf({ entries: [api], memory: bytes('new') }));
    expect(looks.at(-1)?.entries.map(({ image }) => image)).toEqual([api.image]);
    expect(new TextDecoder().decode(looks.at(-1)?.memory)).toBe('old');
    await run(sourceOf({ entries: [api] }));
    expect(new TextDecoder().decode(looks.at(-1)?.memory)).toBe('new');
  });

  it.each(['the text', 'the memory'])('writes neither text nor memory if %s is too large (S8)', async (part) => {
    const many = Array.from({ length: 30_000 }, (_, index) => ({ image: `registry.example.com/acme/web:${index}` }));
    const content =
      part === 'the text' ? { entries: many } : { entries: [web], memory: new Uint8Array(randomBytes(1_100_000)) };
    await expect(run(sourceOf(content))).rejects.toThrow(/a ConfigMap holds at most 1048576: select fewer images/);
    expect(store.writes).toEqual([]);
  });

  it.each(['a b', 'docker.io/acme/web:1\ndocker.io/acme/db:1', '#web', '', 'sha256:abc', 'acme/web:1\r'])(
    'refuses a source that names %j, and writes nothing',
    async (image) => {
      await expect(run(sourceOf({ entries: [web, { image }] }))).rejects.toThrow('names something that is no image');
      expect(store.writes).toEqual([]);
    },
  );

  it('says what to do about a damaged memory, and writes nothing', async () => {
    store.memory = bytes('no gzip');
    await expect(run(sourceOf({ entries: [web] }))).rejects.toThrow(
      /^the memory of the producer is damaged \(.+\): empty the memory$/,
    );
    expect(store.writes).toEqual([]);
  });

  it.each(['ignores the signal', 'fails by the signal', 'ends at the signal'])(
    'writes nothing after its deadline, if the source %s (S8)',
    async (how) => {
      const controller = new AbortController();
      const source: SetSource = {
        description: 'the test',
        read: async (_, signal) => {
          controller.abort(new Error('it took longer than 10m (--timeout)'));
          if (how === 'ignores the signal') await new Promise(() => {});
          if (how === 'fails by the signal') signal.throwIfAborted();
          return { entries: [web] };
        },
      };
      const running = run(source, controller.signal);
      await expect(running).rejects.toThrow('nothing is written from the test: it took longer than 10m (--timeout)');
      expect(store.writes).toEqual([]);
    },
  );

  it('finishes the write of the memory if it is asked to stop after the write of the set', async () => {
    const controller = new AbortController();
    store.beforeWrite = () => controller.abort(new Error('asked to stop'));
    await run(sourceOf({ entries: [web], memory: bytes('a') }), controller.signal);
    expect(store.writes).toEqual(['text', 'memory']);
  });

  it('writes the same text for the same images in any order', async () => {
    const entry: fc.Arbitrary<SetEntry> = fc.nat(20).map((tag) => ({ image: `acme/web:${tag}`, reason: `CVE-${tag}` }));
    const shuffled = fc
      .array(entry)
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    await fc.assert(
      fc.asyncProperty(shuffled, async ([one, other]) => {
        store = new FakeSetStore();
        await run(sourceOf({ entries: one }));
        looks = [];
        expect(await run(sourceOf({ entries: other }))).toMatchObject({ outcome: 'Unchanged', added: 0, removed: 0 });
      }),
      { numRuns: 50 },
    );
  });
});
