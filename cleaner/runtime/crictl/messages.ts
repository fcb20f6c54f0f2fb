import { lastLine, readLog } from '../../../contract/crictl-log.ts';
import type { RemovalComplaint } from '../runtime.ts';

/**
 * Parses the errors of a removal from the standard error of crictl, which joins the errors of all images into one message.
 */
export function readComplaints(stderr: string, imageIds: readonly string[]): readonly RemovalComplaint[] {
  const logged = readLog(stderr);
  const lines = logged.length > 0 ? logged : stderr.trim().split('\n');
  const complaints = imageIds.flatMap((imageId) => {
    const message = lines.find((line) => line.includes(imageId));
    return message === undefined ? [] : [{ imageId, message }];
  });
  return complaints.length > 0 ? complaints : [{ message: lastLine(stderr) }];
}
