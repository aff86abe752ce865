// What a worker does: it verifies a file and tells how far it has come, or helps another that does.

import { Unread } from "./bytes.js";
import { help, poolOf } from "./pool.js";
import { verifyFile } from "./verify.js";

const TELL_EVERY_MS = 100;

/** Verifies a file. `tell` gets {progress} now and then, and at the end {verdict}, or {unread} where nothing can be
 * said; both with the seconds that it took. `ports` lead to helpers. */
export async function verifyAndTell({ file, texts, ports }, tell) {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  let told = 0;
  const progress = (done, total, entries) => {
    const now = performance.now();
    if (now - told < TELL_EVERY_MS && done < total) return;
    told = now;
    tell({ progress: { done, total, entries, seconds: seconds() } });
  };
  try {
    tell({ verdict: await verifyFile(file, texts, poolOf(ports), progress), seconds: seconds() });
  } catch (error) {
    const why = error instanceof Unread ? error.message : `the verifier failed: ${error.message}`;
    tell({ unread: why, seconds: seconds() });
  }
}

/** Waits to be told what this worker is for. */
export function answer() {
  self.onmessage = ({ data }) => {
    if (data.file) verifyAndTell(data, (message) => postMessage(message));
    else help(data.port);
  };
}
