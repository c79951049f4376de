/** Whether bytes that come in parts are UTF-8. A decoder would make U+FFFD of what is not, and that would be stored. */
import { isUtf8 } from 'node:buffer';

export class Utf8Check {
  /** The beginning of a character whose end has not come yet. */
  #rest: Buffer = Buffer.alloc(0);
  #passed = 0;

  /** The place of the first byte that does not belong, counted from the first part; undefined: all is well so far. */
  push(part: Buffer): number | undefined {
    const bytes = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
    const whole = bytes.length - begun(bytes);
    if (!isUtf8(bytes.subarray(0, whole))) return this.#passed + firstWrong(bytes.subarray(0, whole));
    this.#rest = bytes.subarray(whole);
    this.#passed += whole;
    return undefined;
  }

  /** As `push`, when no more comes. */
  end(): number | undefined {
    return this.#rest.length === 0 ? undefined : this.#passed;
  }
}

/** How many bytes at the end begin a character that goes on behind them. */
function begun(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
  }
  return 0;
}

function firstWrong(bytes: Buffer): number {
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const prefix = bytes.subarray(0, middle);
    if (isUtf8(prefix.subarray(0, middle - begun(prefix)))) good = middle;
    else bad = middle;
  }
  return good - begun(bytes.subarray(0, good));
}
