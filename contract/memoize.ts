/** Computes a value only once for all inputs with the same key. The values stay in memory as long as the returned function. */
export function memoize<Input, Value>(compute: (input: Input) => Value, keyOf: (input: Input) => string) {
  const known = new Map<string, { readonly value: Value }>();
  return (input: Input): Value => {
    const key = keyOf(input);
    const { value } = known.get(key) ?? { value: compute(input) };
    known.set(key, { value });
    return value;
  };
}
