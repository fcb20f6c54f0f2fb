const nanosecondsOf: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const maxInt64 = 2n ** 63n - 1n;
const term = /([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)/y;

/** Parses a duration like Go's `time.ParseDuration`, in nanoseconds; undefined if the text is not valid. */
export function parseGoDuration(text: string): bigint | undefined {
  const [, sign, magnitude = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (magnitude === '0') return 0n;
  if (magnitude === '') return undefined;
  let total = 0n;
  for (let position = 0; position < magnitude.length; position = term.lastIndex) {
    term.lastIndex = position;
    const [, whole = '', fraction = '', unit = ''] = term.exec(magnitude) ?? [];
    if (whole === '' && fraction === '') return undefined;
    total += termOf(whole, fraction, nanosecondsOf[unit] ?? 0n);
  }
  const isTooLong = sign === '-' ? total > maxInt64 + 1n : total > maxInt64;
  if (isTooLong) return undefined;
  return sign === '-' ? -total : total;
}

/** The duration of a number with a unit, in nanoseconds. Ignores digits beyond the nanosecond. */
function termOf(whole: string, fraction: string, unit: bigint): bigint {
  const digits = fraction.slice(0, 18);
  return BigInt(whole || '0') * unit + (BigInt(digits || '0') * unit) / 10n ** BigInt(digits.length);
}
