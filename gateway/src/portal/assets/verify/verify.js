// Verifies a bundle of either kind.

import { Fault, Unread } from "./bytes.js";
import { verifyEvidence } from "./evidence.js";
import { KeyError, readVkey } from "./note.js";
import { isReportBundle, verifyReport } from "./report.js";

/** Keys out of a text, one a line. */
function readKeys(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return lines.map((line) => {
    try {
      return readVkey(line);
    } catch (error) {
      throw error instanceof KeyError ? new Unread(`the key ${line}: ${error.message}`) : error;
    }
  });
}

/** The verdict on a file, in the form in which veritrail-verify prints it as JSON. `texts` has the log's keys, the
 * witnesses' keys and checkpoints kept from before, as texts. Throws Unread where nothing can be said. */
export async function verifyFile(file, texts, pool, progress) {
  const options = { keys: readKeys(texts.keys), witnesses: readKeys(texts.witnesses), seen: texts.seen };
  try {
    if (await isReportBundle(file)) return await verifyReport(file, options, progress);
    return await verifyEvidence(file, options, pool, progress);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const seq = error.seq === null ? null : String(error.seq);
    return { verdict: "refused", fault: error.code, seq, message: error.message };
  }
}
