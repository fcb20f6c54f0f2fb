import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { widthOf } from '../../../../cli/output/layout/cells.ts';
import { formatSentence } from '../../../../cli/output/layout/paragraph.ts';
import { plainScreen } from '../../../../cli/output/layout/screen.ts';
import { type Column, formatTable } from '../../../../cli/output/layout/table.ts';

interface Row {
  readonly name: string;
  readonly size: string;
  readonly why: string;
}

const columns: readonly Column<Row>[] = [
  { title: 'IMAGE', cell: ({ name }) => name, shortest: 12 },
  { title: 'SIZE', cell: ({ size }) => size, dropped: 1 },
  { title: 'WHY', cell: ({ why }) => why, style: () => 'red' },
];
const rows: readonly Row[] = [
  { name: 'registry.example.com/team/application:1.2.3', size: '3.9 GiB', why: 'InUse' },
  { name: 'web:1', size: '10 MiB', why: 'TooYoung' },
];
const screenOf = (width: number) => ({ columns: width, hasColors: false });
const linesOf = (text: string) => text.split('\n');

describe('a table', () => {
  it('has every column and full names in a pipe, and no empty line between groups', () => {
    expect(linesOf(formatTable(columns, [[...rows].slice(0, 1), [...rows].slice(1)], plainScreen))).toEqual([
      'IMAGE                                         SIZE      WHY',
      'registry.example.com/team/application:1.2.3   3.9 GiB   InUse',
      'web:1                                         10 MiB    TooYoung',
    ]);
  });

  it('shortens names in the middle on a terminal, so that the tag remains', () => {
    expect(linesOf(formatTable(columns, [rows], screenOf(50)))).toEqual([
      'IMAGE                            SIZE     WHY',
      'registry.e…am/application:1.2.3  3.9 GiB  InUse',
      'web:1                            10 MiB   TooYoung',
    ]);
  });

  it('cuts counts and schedules at their end', () => {
    const [name, ...others] = columns;
    const cut = name === undefined ? [] : [{ ...name, shortened: 'end' as const }, ...others];
    expect(formatTable(cut, [rows], screenOf(50))).toContain('registry.example.com/team/appl…  3.9 GiB');
  });

  it('leaves out the least important column if short names are not enough', () => {
    expect(linesOf(formatTable(columns, [rows], screenOf(24)))).toEqual([
      'IMAGE           WHY',
      'regi…ion:1.2.3  InUse',
      'web:1           TooYoung',
    ]);
  });

  it('separates groups with an empty line on a terminal', () => {
    expect(formatTable(columns, [[...rows].slice(0, 1), [...rows].slice(1)], screenOf(80))).toContain('InUse\n\nweb:1');
  });

  it('breaks sentences between words, below their column', () => {
    const sentences: readonly Column<Row>[] = [
      { title: 'RULE', cell: ({ name }) => name },
      { title: 'WHY', cell: ({ why }) => why, wraps: true },
    ];
    const row = { name: 'InUse', size: '', why: 'used by the container main of pod web-1 in namespace default' };
    expect(linesOf(formatTable(sentences, [[row]], screenOf(40)))).toEqual([
      'RULE   WHY',
      'InUse  used by the container main of pod',
      '       web-1 in namespace default',
    ]);
  });

  it('counts the cells of a terminal, not characters', () => {
    const wide = { name: '日本語', size: '1', why: 'x' };
    const [header = '', line = ''] = linesOf(formatTable(columns, [[wide]], plainScreen));
    expect(widthOf(line.slice(0, line.indexOf('1')))).toBe(header.indexOf('SIZE'));
  });

  it('has colours only on a screen with colours, and they take no cells', () => {
    const colored = formatTable(columns, [rows], { columns: 50, hasColors: true });
    expect(colored).toContain('\u001b[31mInUse\u001b[39m');
    expect(stripVTControlCharacters(colored)).toBe(formatTable(columns, [rows], screenOf(50)));
  });

  it('is never wider than the terminal if the columns that always stay have room, and cuts no title', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map((value) => value.replaceAll(/[\p{C}\s]/gu, '.'));
    const row = fc.record({
      name: text,
      size: fc.stringMatching(/^[0-9]{1,9}$/),
      why: fc.stringMatching(/^[a-z]{1,20}$/),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), fc.integer({ min: 28, max: 200 }), (some, width) => {
        const lines = linesOf(formatTable(columns, [some], screenOf(width)));
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
        for (const title of lines[0]?.split(/\s+/) ?? []) expect(['IMAGE', 'SIZE', 'WHY']).toContain(title);
        expect(lines).toHaveLength(some.length + 1);
      }),
    );
  });
});

it('a sentence breaks between words on a terminal, and not in a pipe', () => {
  const sentence = 'one two three four five six';
  expect(formatSentence(sentence, screenOf(17))).toBe('one two three\n    four five six');
  expect(formatSentence(sentence, plainScreen)).toBe(sentence);
});
