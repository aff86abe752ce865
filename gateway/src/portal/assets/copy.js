// A button beside each thing to copy.

export function copying(root) {
  for (const thing of root.querySelectorAll(".copy[data-copy]:not([data-copying])")) {
    thing.dataset.copying = "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy-button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${thing.dataset.copy.slice(0, 60)}`);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(thing.dataset.copy);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(thing);
        button.textContent = "Press Ctrl+C";
      }
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
    thing.after(button);
  }
}
