// Who works on blocks: helpers on other cores, or whoever asks, where none can be started.

import { spawn } from "./spawn.js";
import { workEntries, workPayloads } from "./work.js";

const MAX_HELPERS = 4;

function workOn(block, isPayloads, facts) {
  return isPayloads ? workPayloads(block, facts) : workEntries(block, facts);
}

/** Works here and now. */
export class Here {
  constructor() {
    this.window = 1;
  }

  begin(facts) {
    this.facts = facts;
  }

  async work(block, isPayloads) {
    return workOn(block, isPayloads, this.facts);
  }

  end() {}
}

/** Works on other cores. Outcomes are promises, so that they can be taken in the order of the blocks. */
export class Helpers {
  constructor(workers) {
    this.workers = workers;
    this.window = 2 * workers.length + 2;
    this.waiting = new Map();
    this.number = 0;
    for (const worker of workers) {
      worker.onmessage = ({ data }) => {
        this.waiting.get(data.number).resolve(data.outcome);
        this.waiting.delete(data.number);
      };
      worker.onerror = (event) => this.waiting.forEach(({ reject }) => reject(new Error(event.message)));
    }
  }

  begin(facts) {
    this.workers.forEach((worker) => worker.postMessage({ facts }));
  }

  work(block, isPayloads) {
    const number = this.number++;
    const bytes = block.byteOffset === 0 ? block.buffer : block.slice().buffer;
    const promise = new Promise((resolve, reject) => this.waiting.set(number, { resolve, reject }));
    const message = { number, isPayloads, bytes, length: block.length };
    this.workers[number % this.workers.length].postMessage(message, [bytes]);
    // A fault stops the reading while others are still worked on; nobody asks for those.
    promise.catch(() => {});
    return promise;
  }

  end() {
    this.workers.forEach((worker) => worker.terminate());
  }
}

/** A pool with a helper for each core, or one without. */
export function startPool(cores) {
  const workers = [];
  try {
    while (workers.length < Math.min(cores, MAX_HELPERS)) workers.push(spawn());
  } catch {
    workers.forEach((worker) => worker.terminate());
    return new Here();
  }
  return workers.length < 2 ? new Here() : new Helpers(workers);
}

/** What a helper does: keeps the facts, and answers each block with its outcome. */
export function help() {
  let facts = null;
  return ({ data }) => {
    if (data.facts) {
      facts = data.facts;
      return;
    }
    const outcome = workOn(new Uint8Array(data.bytes, 0, data.length), data.isPayloads, facts);
    postMessage({ number: data.number, outcome });
  };
}
