// Starts workers of this very script: by its address where it was served, from its own text where the page was opened
// from a disk. Trusted Types let a worker be started only by a policy of this name, which knows no other address.

const SCRIPT = typeof document === "undefined" ? { url: self.location.href } : scriptOf(document.currentScript);

function scriptOf(element) {
  if (element.src) return { url: element.src };
  return { url: URL.createObjectURL(new Blob([element.textContent], { type: "text/javascript" })) };
}

const POLICY = typeof trustedTypes === "undefined" ? null : trustedTypes.createPolicy("veritrail-worker", {
  createScriptURL: () => SCRIPT.url,
});

export function spawn() {
  return new Worker(POLICY === null ? SCRIPT.url : POLICY.createScriptURL(""));
}
