/**
 * Messages as bytes: one frame holds everything that leaves for one peer at one moment.
 *
 *   frame    message, message, …
 *   message  kind u8, term varint, then the fields below; optional numbers travel as value + 1, 0 = none
 *
 * The cost of a message is the limit of a small cluster's speed, hence no JSON and no protobuf here; the kinds' numbers and the order
 * of fields are the protocol, and change only together with its version.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { decodeConfig, encodeConfig } from './config.ts';
import { unreachable } from '../base/assert.ts';
import type { Append, Message } from './messages.ts';
import type { Entry, EntryKind } from './types.ts';

export const PROTOCOL_VERSION = 1;

const KINDS = [
  'vote', 'preVote', 'voteReply', 'preVoteReply', 'notMember', 'append', 'appendReply', 'heartbeat', 'heartbeatReply', 'commit',
  'timeoutNow', 'readRequest', 'readReply', 'installSnapshot', 'snapshotReply',
] as const satisfies readonly Message['kind'][];
const KIND_NUMBER = new Map<string, number>(KINDS.map((kind, i) => [kind, i + 1]));

/** Encodes frames; the same entries for several peers are laid out once. */
export class FrameEncoder {
  readonly #writer = new ByteWriter(4096);
  readonly #entriesWriter = new ByteWriter(4096);
  #encoded: { readonly entries: readonly Entry[]; readonly bytes: Buffer } | undefined;

  encode(messages: readonly Message[]): Buffer {
    this.#writer.reset();
    for (const message of messages) this.#message(message);
    return this.#writer.finish();
  }

  #message(message: Message): void {
    const out = this.#writer.u8(KIND_NUMBER.get(message.kind)!).varint(message.term);
    switch (message.kind) {
      case 'vote':
      case 'preVote':
        out.varint(message.lastIndex).varint(message.lastTerm).u8(message.transfer ? 1 : 0).varint(message.configIndex);
        return;
      case 'voteReply':
      case 'preVoteReply':
        out.u8(message.granted ? 1 : 0);
        return;
      case 'notMember':
        out.varint(message.configIndex);
        return;
      case 'append':
        this.#append(message);
        return;
      case 'appendReply':
        out.u8(message.ok ? 1 : 0).varint(message.index).varint(message.hintIndex).varint(message.hintTerm);
        return;
      case 'heartbeat':
        out.varint(message.commit).varint(message.leaderCommit).varint(message.round).varint(message.witnessMay);
        return;
      case 'heartbeatReply':
        out.varint(message.round).varint(message.applied).varint(message.first);
        return;
      case 'commit':
        out.varint(message.commit);
        return;
      case 'timeoutNow':
        out.varint(message.lastIndex);
        return;
      case 'readRequest':
        out.varint(message.readId);
        return;
      case 'readReply':
        out.varint(message.readId).varint(message.index === undefined ? 0 : message.index + 1);
        return;
      case 'installSnapshot':
        out.varint(message.index).varint(message.snapshotTerm).bytes(encodeConfig(message.config));
        return;
      case 'snapshotReply':
        out.varint(message.index === undefined ? 0 : message.index + 1);
        return;
      default:
        unreachable(message);
    }
  }

  #append(message: Append): void {
    this.#writer.varint(message.prevIndex).varint(message.prevTerm).varint(message.commit).varint(message.entries.length);
    if (message.entries.length > 0) this.#writer.raw(this.#entries(message.entries));
  }

  #entries(entries: readonly Entry[]): Buffer {
    const known = this.#encoded;
    // Entries are never changed, so the same first and last object mean the same run.
    if (known !== undefined && known.entries.length === entries.length && known.entries[0] === entries[0] && known.entries.at(-1) === entries.at(-1)) {
      return known.bytes;
    }
    this.#entriesWriter.reset();
    for (const entry of entries) this.#entriesWriter.varint(entry.term).u8(entry.kind).bytes(entry.data);
    const bytes = this.#entriesWriter.finish();
    this.#encoded = { entries, bytes };
    return bytes;
  }
}

/** Decodes one frame. Entries share the frame's memory. Throws `Corrupted` on bytes that are no frame. */
export function decodeFrame(bytes: Uint8Array): Message[] {
  const reader = new ByteReader(bytes);
  const messages: Message[] = [];
  while (!reader.done) messages.push(decodeMessage(reader));
  return messages;
}

function decodeMessage(reader: ByteReader): Message {
  const number = reader.u8();
  const kind = KINDS[number - 1];
  if (kind === undefined) throw new Error(`message kind ${number} is not known to this version`);
  const term = reader.varint();
  switch (kind) {
    case 'vote':
    case 'preVote':
      return { kind, term, lastIndex: reader.varint(), lastTerm: reader.varint(), transfer: reader.u8() === 1, configIndex: reader.varint() };
    case 'voteReply':
    case 'preVoteReply':
      return { kind, term, granted: reader.u8() === 1 };
    case 'notMember':
      return { kind, term, configIndex: reader.varint() };
    case 'append':
      return decodeAppend(reader, term);
    case 'appendReply':
      return { kind, term, ok: reader.u8() === 1, index: reader.varint(), hintIndex: reader.varint(), hintTerm: reader.varint() };
    case 'heartbeat':
      return { kind, term, commit: reader.varint(), leaderCommit: reader.varint(), round: reader.varint(), witnessMay: reader.varint() };
    case 'heartbeatReply':
      return { kind, term, round: reader.varint(), applied: reader.varint(), first: reader.varint() };
    case 'commit':
      return { kind, term, commit: reader.varint() };
    case 'timeoutNow':
      return { kind, term, lastIndex: reader.varint() };
    case 'readRequest':
      return { kind, term, readId: reader.varint() };
    case 'readReply':
      return { kind, term, readId: reader.varint(), index: optional(reader.varint()) };
    case 'installSnapshot':
      return { kind, term, index: reader.varint(), snapshotTerm: reader.varint(), config: decodeConfig(reader.bytes()) };
    case 'snapshotReply':
      return { kind, term, index: optional(reader.varint()) };
    default:
      return unreachable(kind);
  }
}

function decodeAppend(reader: ByteReader, term: number): Append {
  const prevIndex = reader.varint();
  const prevTerm = reader.varint();
  const commit = reader.varint();
  const count = reader.varint();
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    const entryTerm = reader.varint();
    const kind = reader.u8() as EntryKind;
    entries.push({ index: prevIndex + 1 + i, term: entryTerm, kind, data: reader.bytes() });
  }
  return { kind: 'append', term, prevIndex, prevTerm, commit, entries };
}

function optional(value: number): number | undefined {
  return value === 0 ? undefined : value - 1;
}
