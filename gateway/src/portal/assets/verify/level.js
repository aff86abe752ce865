// How far a bundle can be trusted (FORMAT.md section 8.1), in the words of veritrail-verify. Each level includes those
// before it. There are no anchors in this version, so nothing is at the level ANCHORED.

export const LEVEL_MEANINGS = {
  CONSISTENT: "The entries fit each other and the checkpoint, but no key from outside the file vouches for it.",
  SIGNED: "The log signed exactly these entries: none was altered, dropped, added or moved since.",
  WITNESSED: "The log signed exactly these entries, and an independent witness saw that it only ever grew.",
};

/** The same, of a report. */
export const REPORT_MEANINGS = {
  CONSISTENT: "The document, its figures and its records fit each other and the checkpoint, but no key from outside " +
    "the file vouches for it.",
  SIGNED: "The document is the one that was recorded, its figures add up, and the log signed every record that " +
    "they rest on.",
  WITNESSED: "The document is the one that was recorded, its figures add up, the log signed every record that they " +
    "rest on, and an independent witness saw that it only ever grew.",
};

export function levelOf(signers) {
  if (signers.keys.length === 0) return "CONSISTENT";
  return signers.witnesses.length === 0 ? "SIGNED" : "WITNESSED";
}

/** The names of witnesses that were given and have not cosigned. */
export function notCosigned(options, signers) {
  const cosigned = signers.witnesses.map(({ name }) => name);
  return options.witnesses.map(({ name }) => name).filter((name) => !cosigned.includes(name));
}
