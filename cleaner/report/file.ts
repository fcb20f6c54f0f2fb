import { type FileHandle, open } from 'node:fs/promises';
import type { Report } from '../../contract/report.ts';
import { hasCode } from '../../contract/system-error.ts';

/** The place of the report of a run. */
export type ReportFile = {
  /** The reason why it can't be written, so that nobody would learn what a run did. */
  readonly problem?: string;
  /** Writes it, once. Returns why that failed. */
  write(report: Report): Promise<string | undefined>;
};

/**
 * Opens the file before there is anything to report: a wrong path shows before images are removed, and an old report
 * passes for no new one. A full disk may have no room for it until the run is over, and is no reason not to begin.
 */
export async function openReport(path: string | undefined): Promise<ReportFile> {
  if (path === undefined) return { write: async () => undefined };
  const describe = (error: unknown) =>
    `the report can't be written to ${path}: check the path given to --report (${error instanceof Error ? error.message : String(error)})`;
  try {
    const file = await openIfRoom(path);
    return {
      write: async (report) => {
        try {
          await writeOnce(file ?? (await open(path, 'w')), JSON.stringify(report));
          return undefined;
        } catch (error) {
          return describe(error);
        }
      },
    };
  } catch (error) {
    const problem = describe(error);
    return { problem, write: async () => problem };
  }
}

async function openIfRoom(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'w');
  } catch (error) {
    if (hasCode(error, 'ENOSPC', 'EDQUOT')) return undefined;
    throw error;
  }
}

async function writeOnce(file: FileHandle, text: string): Promise<void> {
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}
