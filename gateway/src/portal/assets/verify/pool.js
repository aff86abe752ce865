// Who works on blocks: helpers on other cores, or whoever asks, where there are none.

import { workEntries, workPayloads } from "./work.js";

function workOn(block, isPayloads, facts) {
  return isPayloads ? workPayloads(block, facts) : workEntries(block, facts);
}

/** Works here and now. */
class Here {
  constructor() {
    this.window = 1;
  }

  begin(facts) {
    this.facts = facts;
  }

  async work(block, isPayloads) {
    return workOn(block, isPayloads, this.facts);
  }
}

/** Works on other cores, by a port to each helper: whoever has the least to do gets a block. Outcomes are promises, so
 * that they can be taken in the order of the blocks. */
class Helpers {
  constructor(ports) {
    this.helpers = ports.map((port) => ({ port, bytes: 0 }));
    this.window = 2 * ports.length + 2;
    this.waiting = new Map();
    this.number = 0;
    for (const helper of this.helpers) {
      helper.port.onmessage = ({ data }) => {
        helper.bytes -= data.outcome.bytes;
        this.waiting.get(data.number)(data.outcome);
        this.waiting.delete(data.number);
      };
    }
  }

  begin(facts) {
    this.helpers.forEach(({ port }) => port.postMessage({ facts }));
  }

  work(block, isPayloads) {
    const number = this.number++;
    const helper = this.helpers.reduce((least, other) => other.bytes < least.bytes ? other : least);
    helper.bytes += block.length - 1;
    const { buffer, length } = block.byteOffset === 0 ? block : block.slice();
    helper.port.postMessage({ number, isPayloads, buffer, length }, [buffer]);
    return new Promise((resolve) => this.waiting.set(number, resolve));
  }
}

/** A pool of helpers, or one without. */
export function poolOf(ports) {
  return ports.length < 2 ? new Here() : new Helpers(ports);
}

/** What a helper does: it keeps the facts, and answers each block with its outcome. */
export function help(port) {
  let facts = null;
  port.onmessage = ({ data }) => {
    if (data.facts) {
      facts = data.facts;
      return;
    }
    const outcome = workOn(new Uint8Array(data.buffer, 0, data.length), data.isPayloads, facts);
    port.postMessage({ number: data.number, outcome });
  };
}
