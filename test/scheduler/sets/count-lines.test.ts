import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseImageSet } from '../../../contract/images/image-set.ts';
import { countLines, textsOf } from '../../../scheduler/sets/count-lines.ts';
import type { SetContent } from '../../../scheduler/sets/image-set.ts';

/** Does all steps. Returns the content and the number of steps. */
function count(texts: ReadonlyMap<string, string | undefined>): { content: SetContent; steps: number } {
  const counting = countLines(texts);
  for (let steps = 0; ; steps += 1) {
    const step = counting.next();
    if (step.done) return { content: step.value, steps };
  }
}

const contentOf = (data: Record<string, string | undefined>) => count(new Map(Object.entries(data))).content;

describe('the lines of an image set', () => {
  it('are counted, and the first malformed one is named with its key and number (S1, S6)', () => {
    const content = contentOf({ 'b.txt': 'UPPER:1\nnginx:1', 'a.txt': '# comment\n\nnginx:1.27 # old\nredis:x y/z:1' });
    expect(content).toMatchObject({ kind: 'Readable', entries: 2, invalidLines: 2 });
    expect(content).toHaveProperty('firstInvalid', expect.stringMatching(/^key a\.txt, line 4: /));
  });

  it('are none in an empty text, which is a set that names no image', () => {
    expect(contentOf({ list: '' })).toEqual({ kind: 'Readable', bytes: 0, entries: 0, invalidLines: 0 });
  });

  it.each<[what: string, cause: string, data: Record<string, string | undefined>]>([
    ['it has no keys', 'has no keys', {}],
    ['a key is not text', 'has the key blob, which is not text', { blob: undefined, list: 'nginx:1' }],
    ['it is larger than 1 MiB', 'is larger than 1 MiB', { a: 'x'.repeat(1_048_577) }],
    ['all its keys are larger than 1 MiB', 'is larger than 1 MiB', { a: 'x'.repeat(600_000), b: 'x'.repeat(600_000) }],
    ['its bytes are more than its characters', 'is larger than 1 MiB', { a: 'é'.repeat(600_000) }],
  ])('do not count if %s (S6)', (_, cause, data) => {
    expect(contentOf(data)).toMatchObject({ kind: 'Unreadable', cause });
  });

  it('of a binary value count if it is text', () => {
    const texts = textsOf({}, { good: Buffer.from('nginx:1\n').toString('base64') });
    expect(count(texts).content).toMatchObject({ entries: 1 });
    const bytes = textsOf({}, { bad: Buffer.from([0xff, 0xfe, 0x00]).toString('base64') });
    expect(count(bytes).content).toMatchObject({ cause: 'has the key bad, which is not text' });
  });

  it('are counted in many small steps, so that very many of them do not hold up other work', () => {
    const text = Array.from({ length: 50_000 }, (_, index) => `a:${index % 100}`).join('\n');
    const { content, steps } = count(new Map([['list', text]]));
    expect(content).toEqual({ kind: 'Readable', bytes: Buffer.byteLength(text), entries: 50_000, invalidLines: 0 });
    expect(steps).toBeGreaterThan(25);
  });

  it.each(['\n', '\r\n', '\r'])(
    'have their numbers also far behind in a long text, with the line end %j (S1)',
    (end) => {
      const list = [...Array.from({ length: 5_000 }, (_, index) => `nginx:${index}`), 'BAD'].join(end);
      expect(contentOf({ list })).toMatchObject({
        entries: 5_000,
        invalidLines: 1,
        firstInvalid: expect.stringMatching(/^key list, line 5001: /),
      });
    },
  );

  it('are the same as if the text was read in one step, with any line ends (S1)', () => {
    const line = fc.constantFrom(
      'nginx:1',
      'Bad Name',
      '# note',
      '',
      'a'.repeat(3_000),
      'sha256:12',
      '**/x # y',
      '\ufeff',
    );
    const end = fc.constantFrom('\n', '\r\n', '\r', '\n\r');
    const text = fc
      .array(fc.tuple(line, end), { maxLength: 200, size: 'max' })
      .map((lines) => lines.map(([words, lineEnd]) => words + lineEnd).join(''));
    fc.assert(
      fc.property(text, (list) => {
        const { entries, problems } = parseImageSet(list);
        const content = contentOf({ list });
        expect(content).toMatchObject({ entries: entries.length, invalidLines: problems.length });
        const [first] = problems;
        if (first !== undefined)
          expect(content).toHaveProperty('firstInvalid', expect.stringContaining(`key list, line ${first.line}: `));
      }),
    );
  });
});
