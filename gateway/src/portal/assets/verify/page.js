// The page: takes a file, has a worker verify it, shows how far it has come and what was found. The file is read where
// it lies and goes nowhere. Texts, from wherever, are only ever set as text.

import { showProblem, showVerdict } from "./show.js";
import { spawn } from "./spawn.js";
import { verifyAndTell } from "./worker.js";

const NUMBERS = new Intl.NumberFormat("en");
let running = null;

function part(id) {
  return document.getElementById(id);
}

async function texts() {
  const kept = Array.from(part("seen").files, (file) => file.text());
  return { keys: part("keys").value, witnesses: part("witnesses").value, seen: await Promise.all(kept) };
}

/** Starts a worker; where the browser lets none be started, as some do on pages from a disk, works here. */
function start(job, tell) {
  try {
    const worker = spawn();
    worker.onmessage = ({ data }) => tell(data);
    worker.onerror = (event) => {
      worker.terminate();
      if (event.message) tell({ unread: `the verifier failed: ${event.message}`, seconds: 0 });
      else verifyAndTell({ ...job, cores: 1 }, tell);
    };
    worker.postMessage(job);
    return worker;
  } catch {
    verifyAndTell({ ...job, cores: 1 }, tell);
    return { terminate() {} };
  }
}

function stop() {
  running?.terminate();
  running = null;
  part("progress").hidden = true;
}

async function verify() {
  const file = part("bundle").files[0];
  stop();
  part("result").replaceChildren();
  if (!file) {
    showProblem(part("result"), "Choose a bundle first: the .zip file that you were given.");
    return;
  }
  const job = { file, texts: await texts(), cores: navigator.hardwareConcurrency ?? 1 };
  part("bar").value = 0;
  part("speed").textContent = `Reading ${file.name}`;
  part("progress").hidden = false;
  const mine = start(job, (message) => {
    if (mine !== running) return;
    if (message.progress) {
      showProgress(message.progress);
    } else {
      stop();
      if (message.verdict) showVerdict(part("result"), file.name, message.verdict);
      else showProblem(part("result"), `Nothing can be said of ${file.name}: ${message.unread}.`);
      part("took").textContent = took(file.size, message.seconds);
    }
  });
  running = mine;
}

let counted = 0;

function showProgress({ done, total, entries, seconds }) {
  counted = entries;
  part("bar").value = total === 0 ? 1 : done / total;
  const percent = Math.floor(100 * part("bar").value);
  part("speed").textContent = `${percent} %, ${NUMBERS.format(entries)} entries, ${rate(entries, seconds)} a second`;
}

function rate(entries, seconds) {
  return NUMBERS.format(seconds > 0 ? Math.round(entries / seconds) : 0);
}

function took(bytes, seconds) {
  const speed = counted > 0 ? `, ${NUMBERS.format(counted)} entries at ${rate(counted, seconds)} a second` : "";
  return `${NUMBERS.format(bytes)} bytes in ${seconds.toFixed(2)} s${speed}.`;
}

/** A file dropped anywhere on the page is taken as if it had been chosen. */
function takeDrops() {
  const zone = part("drop");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", () => zone.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (event.dataTransfer.files.length === 0) return;
    part("bundle").files = event.dataTransfer.files;
    verify();
  });
}

export function startPage() {
  takeDrops();
  part("bundle").addEventListener("change", verify);
  part("verify").addEventListener("submit", (event) => {
    event.preventDefault();
    verify();
  });
  part("verify").hidden = false;
}
