import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MessageReader, MessageWriter } from '../../src/bolt/chunking.ts';
import { BOLT_5, unpackMessage } from '../../src/bolt/structures.ts';
import type { Value } from '../../src/value/value.ts';

const LIMIT = 1_000_000;

function write(...messages: Value[]): Buffer {
  const writer = new MessageWriter();
  for (const message of messages) writer.write(0x71, [message], BOLT_5);
  return writer.take();
}

/** What a reader makes of the data when it comes in pieces of these sizes. */
function read(data: Buffer, sizes: readonly number[]): Value[] {
  const reader = new MessageReader(LIMIT);
  const found: Value[] = [];
  let at = 0;
  for (let i = 0; at < data.length; i++) {
    const end = Math.min(data.length, at + (sizes[i % sizes.length] ?? data.length));
    found.push(...reader.push(data.subarray(at, end)).map((message) => unpackMessage(Buffer.from(message)).fields[0]!));
    at = end;
  }
  expect(reader.pendingBytes).toBe(0);
  return found;
}

it('frames as Bolt says', () => {
  expect(write(1, 2).toString('hex')).toBe('0003b17101' + '0000' + '0003b17102' + '0000');
});

it('splits a long message into chunks of 65,535 bytes', () => {
  const data = write('x'.repeat(200_000));
  expect(data.readUInt16BE(0)).toBe(65_535);
  expect(data.readUInt16BE(65_537)).toBe(65_535);
  expect(read(data, [data.length])).toEqual(['x'.repeat(200_000)]);
});

it('reads the same messages however the network cuts them', () => {
  const message = fc.oneof(fc.string(), fc.integer(), fc.integer({ min: 65_500, max: 140_000 }).map((length) => 'y'.repeat(length)));
  fc.assert(fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }), (messages, sizes) => {
    expect(read(write(...messages), sizes)).toEqual(messages);
  }));
  expect(read(write('abc', 1, [2]), [1])).toEqual(['abc', 1, [2]]);
});

it('passes over keep-alive signals', () => {
  const writer = new MessageWriter();
  writer.writeNoop();
  writer.write(0x71, [1], BOLT_5);
  writer.writeNoop();
  const data = writer.take();
  expect(read(data, [data.length])).toEqual([1]);
  expect(read(data, [1])).toEqual([1]);
});

it('refuses a message beyond the limit before it stores it', () => {
  const reader = new MessageReader(100);
  expect(() => reader.push(write('z'.repeat(200)))).toThrow(expect.objectContaining({ code: 'RequestTooLarge' }));
  const slow = new MessageReader(100);
  slow.push(Buffer.from('0040', 'hex'));
  slow.push(Buffer.alloc(64));
  expect(() => slow.push(Buffer.from('0040', 'hex'))).toThrow(expect.objectContaining({ code: 'RequestTooLarge' }));
});

it('leaves nothing of a message that cannot be written', () => {
  const writer = new MessageWriter();
  writer.write(0x71, [1], BOLT_5);
  let deep: Value = 1;
  for (let i = 0; i < 300; i++) deep = [deep];
  expect(() => {
    writer.write(0x71, [deep], BOLT_5);
  }).toThrow();
  writer.write(0x71, [2], BOLT_5);
  const data = writer.take();
  expect(read(data, [data.length])).toEqual([1, 2]);
});
