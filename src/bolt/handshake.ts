/**
 * The first bytes of a Bolt connection: which version both sides will speak. Pure: bytes in, bytes and a verdict out.
 *
 *   client  60 60 B0 17, then four proposals  | 0 | range | minor | major |  best first, `range` minors downwards included
 *   server  the chosen version  | 0 | 0 | minor | major |  or four zeros
 *
 * A proposal of 00 00 01 FF asks for the manifest (version 1) instead: the server lists all it speaks, the client chooses.
 *
 *   server  00 00 01 FF, count (varint), the ranges as above, capabilities (varint)
 *   client  | 0 | 0 | minor | major |, capabilities (varint)
 */

export interface Version {
  readonly major: number;
  readonly minor: number;
}

const MAGIC = Buffer.from([0x60, 0x60, 0xb0, 0x17]);
const MANIFEST = 0x0000_01ff;
const PROPOSALS_END = 20;

/** Newest first: from 0 to this minor of each major. */
const SPOKEN: readonly Version[] = [{ major: 5, minor: 8 }, { major: 4, minor: 4 }];

export function atLeast(version: Version, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}

export type HandshakeStep =
  | { readonly kind: 'more' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'chosen'; readonly version: Version; readonly rest: Buffer };

export class Handshake {
  readonly #reply: (bytes: Buffer) => void;
  #received: Buffer = Buffer.alloc(0);
  #awaitsChoice = false;

  constructor(reply: (bytes: Buffer) => void) {
    this.#reply = reply;
  }

  take(data: Buffer): HandshakeStep {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    if (this.#awaitsChoice) return this.#readChoice();
    const begin = this.#received.subarray(0, MAGIC.length);
    if (!begin.equals(MAGIC.subarray(0, begin.length))) return { kind: 'refused', reason: notBolt(begin) };
    if (this.#received.length < PROPOSALS_END) return { kind: 'more' };
    return this.#answerProposals();
  }

  #answerProposals(): HandshakeStep {
    const proposals = this.#received.subarray(MAGIC.length, PROPOSALS_END);
    this.#received = this.#received.subarray(PROPOSALS_END);
    for (let at = 0; at < proposals.length; at += 4) {
      if (proposals.readUInt32BE(at) === MANIFEST) {
        this.#reply(manifest());
        this.#awaitsChoice = true;
        return this.#received.length === 0 ? { kind: 'more' } : this.#readChoice();
      }
      const version = bestOf(proposals[at + 1]!, proposals[at + 2]!, proposals[at + 3]!);
      if (version === undefined) continue;
      this.#reply(Buffer.from([0, 0, version.minor, version.major]));
      return { kind: 'chosen', version, rest: this.#received };
    }
    this.#reply(Buffer.alloc(4));
    return { kind: 'refused', reason: `none of the versions ${proposals.toString('hex')} is spoken here` };
  }

  #readChoice(): HandshakeStep {
    const bytes = this.#received;
    // The capabilities are a varint: it ends with the first byte below 128.
    const end = bytes.findIndex((byte, i) => i >= 4 && byte < 0x80);
    if (end < 0) return bytes.length > 4 + 9 ? { kind: 'refused', reason: 'the choice of a version does not end' } : { kind: 'more' };
    const [, , minor, major] = bytes;
    const version = bestOf(0, minor!, major!);
    if (version === undefined) return { kind: 'refused', reason: `version ${major}.${minor} was not offered` };
    return { kind: 'chosen', version, rest: bytes.subarray(end + 1) };
  }
}

/** The newest spoken version among `minor` and the `range` minors below it. */
function bestOf(range: number, minor: number, major: number): Version | undefined {
  const spoken = SPOKEN.find((one) => one.major === major);
  if (spoken === undefined) return undefined;
  const best = Math.min(spoken.minor, minor);
  return best >= minor - range ? { major, minor: best } : undefined;
}

function manifest(): Buffer {
  const ranges = SPOKEN.flatMap(({ major, minor }) => [0, minor, minor, major]);
  return Buffer.from([0, 0, 0x01, 0xff, SPOKEN.length, ...ranges, 0]);
}

function notBolt(begin: Buffer): string {
  return begin[0] === 0x16 ? 'the client speaks TLS, which this port does not' : `not a Bolt connection: it begins with ${begin.toString('hex')}`;
}
