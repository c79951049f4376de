/**
 * What clients of a chaos run did to registers, with times and answers, judged at the end by the linearizability checker (test/histories).
 *
 * The other checks of a run look for what must never be seen; this one asks whether any order at all explains everything that was seen. Writes
 * and compare-and-sets write numbers that nobody else writes; a register is used for a while and then left, so that histories stay short
 * enough to be decided; all its reads are linearizable.
 */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const TOP = resolve(fileURLToPath(import.meta.url), '../../..');
const AT_ONCE = 3;
const OPERATIONS_EACH = 250;

export class History {
  constructor() {
    this.operations = [];
    this.counts = Array.from({ length: AT_ONCE }, () => 0);
    this.nextValue = 1;
  }

  /** A register in use. */
  key(random) {
    const at = Math.floor(random() * AT_ONCE);
    return `${at}-${Math.floor(this.counts[at]++ / OPERATIONS_EACH)}`;
  }

  value() {
    return this.nextValue++;
  }

  /** `returned` undefined: the outcome is not known. What surely did nothing is not recorded. */
  record(client, called, returned, input, output) {
    this.operations.push({ client, called, returned, input, output });
  }

  /** Undefined when an order exists; else what has none. */
  async verdict() {
    execFileSync(join(TOP, 'node_modules/.bin/tsc'), ['-p', join(TOP, 'test/histories/tsconfig.json')], { stdio: 'inherit' });
    const load = (name) => import(pathToFileURL(join(TOP, '.work/histories/test/histories', name)).href);
    const [{ checkLinearizable }, { register }] = [await load('linearizable.js'), await load('models.js')];
    const { ok, part, stuckAt } = checkLinearizable(register, this.operations);
    if (ok === true) return undefined;
    if (ok === 'unknown') return 'the history of a register is too long to be decided';
    return `register ${part} is not linearizable: no place for ${JSON.stringify(stuckAt?.slice(0, 5))}`;
  }
}
