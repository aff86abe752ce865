// The page: takes a file, has a worker verify it, shows how far it has come and what was found. The file is read where
// it lies and goes nowhere. Texts, from wherever, are only ever set as text.

import { showProblem, showVerdict } from "./show.js";
import { spawn } from "./spawn.js";
import { verifyAndTell } from "./worker.js";

const NUMBERS = new Intl.NumberFormat("en");
/** Below so many entries, a speed says nothing. */
const TELLING_ENTRIES = 1000;
const MAX_HELPERS = 4;
let running = null;
let counted = 0;

function part(id) {
  return document.getElementById(id);
}

async function texts() {
  const kept = Array.from(part("seen").files, (file) => file.text());
  return { keys: part("keys").value, witnesses: part("witnesses").value, seen: await Promise.all(kept) };
}

/** Starts a worker, and helpers for it; where the browser lets none be started, works here. What it returns ends it. */
function start(job, tell) {
  const workers = [];
  const end = () => workers.splice(0).forEach((worker) => worker.terminate());
  const workHere = () => {
    end();
    verifyAndTell({ ...job, ports: [] }, tell);
  };
  const hire = () => {
    const worker = spawn();
    worker.onerror = ({ message }) => {
      if (message) tell({ unread: `the verifier failed: ${message}`, seconds: 0 });
      else if (workers.length > 0) workHere();
    };
    workers.push(worker);
    return worker;
  };
  try {
    const first = hire();
    first.onmessage = ({ data }) => tell(data);
    const ports = [];
    while (ports.length < Math.min(navigator.hardwareConcurrency ?? 1, MAX_HELPERS)) {
      const { port1, port2 } = new MessageChannel();
      hire().postMessage({ port: port1 }, [port1]);
      ports.push(port2);
    }
    first.postMessage({ ...job, ports }, ports);
  } catch {
    workHere();
  }
  return end;
}

function stop() {
  running?.end?.();
  running = null;
  part("progress").hidden = true;
}

async function verify() {
  part("result").replaceChildren();
  const file = part("bundle").files[0];
  const job = { file, texts: await texts() };
  stop();
  if (!file) {
    showProblem(part("result"), "Choose a bundle first: the .zip file that you were given.");
    return;
  }
  counted = 0;
  part("bar").value = 0;
  part("speed").textContent = `Reading ${file.name}`;
  part("progress").hidden = false;
  const mine = {};
  running = mine;
  mine.end = start(job, (message) => {
    if (mine !== running) return;
    if (message.progress) showProgress(message.progress);
    else finish(file, message);
  });
}

function finish(file, { verdict, unread, seconds }) {
  stop();
  if (verdict) showVerdict(part("result"), file.name, verdict);
  else showProblem(part("result"), `Nothing can be said of ${file.name}: ${unread}.`);
  part("took").textContent = took(file.size, seconds);
}

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
  const speed = counted >= TELLING_ENTRIES ? `, ${NUMBERS.format(counted)} entries at ${rate(counted, seconds)} a second` : "";
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
