// Starts workers of this very script: by its address where it was served, from its own text where the page was opened
// from a disk. Trusted Types let a worker be started only by a policy of this name, which knows no other address.

const SCRIPT_URL = typeof document === "undefined" ? null : scriptUrl(document.currentScript);

function scriptUrl(element) {
  return element.src || URL.createObjectURL(new Blob([element.textContent], { type: "text/javascript" }));
}

const POLICY = typeof trustedTypes === "undefined" || SCRIPT_URL === null ? null
  : trustedTypes.createPolicy("veritrail-worker", { createScriptURL: () => SCRIPT_URL });

export function spawn() {
  return new Worker(POLICY === null ? SCRIPT_URL : POLICY.createScriptURL(""));
}
