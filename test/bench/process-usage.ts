import { readFileSync } from 'node:fs';

/** Clock ticks per second in proc(5); 100 on every Linux that Node.js runs on. */
const TICKS = 100;

/** The CPU time that a process has used so far, in milliseconds. */
export function readCpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}

/** The most memory that a process has held at once, in bytes. */
export function readPeakBytes(pid: number): number {
  return readKilobytes(pid, 'VmHWM') * 1024;
}

export function readResidentBytes(pid: number): number {
  return readKilobytes(pid, 'VmRSS') * 1024;
}

function readKilobytes(pid: number, field: string): number {
  const [, kilobytes] = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes);
}
