import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cutText } from '../../contract/text.ts';

const text = fc.string({ unit: 'binary', maxLength: 60 });
const maxLength = fc.integer({ min: 1, max: 60 });

it.each([
  ['', 1, ''],
  ['abc', 3, 'abc'],
  ['abcd', 3, 'ab…'],
  ['abcd', 1, '…'],
  ['a🧹', 3, 'a🧹'],
  ['ab🧹c', 4, 'ab…'],
  ['🧹🧹', 3, '🧹…'],
])('cuts "%s" to %i code units: "%s"', (whole, length, cut) => {
  expect(cutText(whole, length)).toBe(cut);
});

it('a cut text is not too long, is well-formed, and is the start of the text and an ellipsis', () => {
  fc.assert(
    fc.property(text, maxLength, (whole, length) => {
      const cut = cutText(whole, length);
      expect(cut.length).toBeLessThanOrEqual(length);
      expect(cut.isWellFormed()).toBe(true);
      if (whole.length <= length) expect(cut).toBe(whole);
      else expect(`${whole}…`.startsWith(cut.slice(0, -1)) && cut.endsWith('…')).toBe(true);
    }),
  );
});

it('a cut text lacks at most the one character that would be cut in half', () => {
  fc.assert(
    fc.property(text, maxLength, (whole, length) => {
      fc.pre(whole.length > length);
      expect(cutText(whole, length).length).toBeGreaterThanOrEqual(length - 1);
    }),
  );
});

it('a text that had half of a character before the cut becomes well-formed', () => {
  expect(cutText('a\ud83ebcd', 4)).toBe('a\ufffdb…');
});
