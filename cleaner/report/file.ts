import { type FileHandle, open } from 'node:fs/promises';
import { hasCode, messageOf } from '../../contract/errors.ts';
import type { Report } from '../../contract/report.ts';

/** The file for the report of a run. */
export type ReportFile = {
  /** The reason why the report can't be written. The run must not begin then. */
  readonly problem?: string;
  /** Writes the report once. Returns the reason if that fails. */
  write(report: Report): Promise<string | undefined>;
};

/**
 * Opens the file before the run, so that a wrong path shows before images are removed, and an old report is not taken for
 * a new one. A full disk is not a problem here, because it may have room after the run.
 */
export async function openReport(path: string | undefined): Promise<ReportFile> {
  if (path === undefined) return { write: async () => undefined };
  const describe = (error: unknown) =>
    `the report can't be written to ${path}: check the path given to --report (${messageOf(error)})`;
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
