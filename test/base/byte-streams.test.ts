import { Readable } from 'node:stream';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { ByteStreams, pulledBytes, releasing } from '../../src/base/byte-streams.ts';
import { Channel } from '../../src/base/channel.ts';
import type { PortLike } from '../../src/base/channel.ts';

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

async function* three(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 3; i++) yield Buffer.from([i]);
}

async function* failing(): AsyncGenerator<Uint8Array> {
  throw new Error('broken');
}

describe('what parts hold is let go, once', () => {
  it.each([
    ['when all were taken', three, async (stream: Readable) => void await stream.toArray()],
    ['when they fail', failing, async (stream: Readable) => void await expect(stream.toArray()).rejects.toThrow('broken')],
    ['when the taker leaves in the middle', three, async (stream: Readable) => {
      for await (const _ of stream) break;
    }],
    ['when the taker leaves before the first', three, async (stream: Readable) => void stream.destroy()],
    ['when the taker is broken before the first', three, async (stream: Readable) => {
      stream.on('error', () => undefined).destroy(new Error('gone'));
      await settled();
    }],
  ])('%s', async (_, parts, take) => {
    let released = 0;
    await take(Readable.from(releasing(parts(), () => released++)));
    await settled();
    expect(released).toBe(1);
  });

  it('through a channel as well, on the side that makes them', async () => {
    const { port1, port2 } = new MessageChannel();
    const streams = new ByteStreams();
    let open = 0;
    const held = (): AsyncIterable<Uint8Array> => {
      open++;
      return releasing(three(), () => open--);
    };
    const maker = new Channel(port1 as unknown as PortLike, streams.handlers);
    const taker = new Channel(port2 as unknown as PortLike);
    try {
      const all = await Readable.from(pulledBytes(taker, streams.open(held()))).toArray();
      expect(Buffer.concat(all as Buffer[])).toEqual(Buffer.from([0, 1, 2]));
      const never = Readable.from(pulledBytes(taker, streams.open(held())));
      never.destroy();
      await settled();
      expect(open).toBe(0);
      // Nothing is left to be ended.
      await streams.close();
    } finally {
      maker.close();
      port1.close();
    }
  });
});
