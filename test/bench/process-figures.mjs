// Preloaded into a cleaner: prints on standard error, as its last line, what CPU time it took (children not counted), the
// most memory that it ever held, as Linux tells it, and when it got where, in milliseconds since the epoch.
import { readFileSync, writeSync } from 'node:fs';
import { registerHooks } from 'node:module';

const startedAt = performance.timeOrigin;
let loadedAt = startedAt;
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    loadedAt = startedAt + performance.now();
    return loaded;
  },
});

process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  const [, peakKilobytes] = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  const figures = {
    cpuMs: (user + system) / 1_000,
    peakBytes: peakKilobytes * 1_024,
    startedAt,
    bootedAt: startedAt + performance.nodeTiming.bootstrapComplete,
    loadedAt,
    endedAt: startedAt + performance.now(),
  };
  writeSync(2, `\n${JSON.stringify(figures)}`);
});
