// A neighbour that is sensitive to latency: every 5 ms it wakes up and makes a small write durable. Told DIRECTORY and
// STOP, it goes on until the file STOP is there, and then prints how long each took, in ms, as JSON.
import { closeSync, existsSync, fsyncSync, openSync, writeSync } from 'node:fs';

const [directory, stop] = process.argv.slice(2);
const intervalMs = 5;
const file = openSync(`${directory}/neighbour`, 'w');
const record = Buffer.alloc(512, '.');
const never = new Int32Array(new SharedArrayBuffer(4));
const samples = { wakeUp: [], write: [] };

console.error('ready');
while (!existsSync(stop)) {
  const asleepAt = performance.now();
  Atomics.wait(never, 0, 0, intervalMs);
  const awakeAt = performance.now();
  writeSync(file, record, 0, record.length, 0);
  fsyncSync(file);
  samples.wakeUp.push(awakeAt - asleepAt - intervalMs);
  samples.write.push(performance.now() - awakeAt);
}
closeSync(file);
console.log(JSON.stringify(samples));
