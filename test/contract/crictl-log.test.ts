import { describe, expect, it } from 'vitest';
import { lastLine } from '../../contract/crictl-log.ts';

describe('lastLine', () => {
  it.each([
    ['', 'no message'],
    ['one\ntwo\n', 'two'],
    ['time="x" level=warning msg="config"\ntime="x" level=fatal msg="dial \\"unix\\""\n', 'dial "unix"'],
  ])('of %j is %j', (stderr, message) => {
    expect(lastLine(stderr)).toBe(message);
  });
});
