import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { LocalGroup } from '../../src/cli/local-group.ts';
import { probe, RestClient } from '../../src/cli/rest-client.ts';
import { askPeer } from '../../src/rpc/peer-question.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SETTINGS = Buffer.from('000000040000000000', 'hex');
const random = seededRandom(7);
const bytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random.next() * 256)));

/** Nonsense, nonsense behind a good start of HTTP/2, frames with wrong lengths, good starts cut short. */
function malformed(): Buffer {
  const kind = Math.floor(random.next() * 4);
  if (kind === 0) return bytes(Math.floor(random.next() * 200));
  if (kind === 1) return Buffer.concat([PREFACE, SETTINGS, bytes(Math.floor(random.next() * 200))]);
  const whole = Buffer.concat([PREFACE, SETTINGS, Buffer.from([0, 0, Math.floor(random.next() * 40), Math.floor(random.next() * 10), 4, 0, 0, 0, 1]), bytes(60)]);
  return kind === 2 ? whole : whole.subarray(0, Math.floor(random.next() * whole.length));
}

async function send(port: number, data: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.setTimeout(200, () => socket.destroy());
    socket.on('connect', () => socket.end(data));
    socket.resume();
  });
}

it('serves the next good request after 10,000 malformed ones on the RPC port', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lgraph-fuzz-'));
  const group = await LocalGroup.create({ size: 1, directory, basePort: 22_900 });
  try {
    group.startAll();
    await group.ready(60_000);
    const [server] = group.servers;
    for (let sent = 0; sent < 10_000; sent += 100) await Promise.all(Array.from({ length: 100 }, () => send(server!.ports.rpc, malformed())));
    const answers = await Promise.all(['probe', 'nonsense', 'join'].map((op) => askPeer(server!.rpcAddress, op, { nodeId: 1 }, { secret: undefined, timeoutMs: 5000 }).then(() => 'ok', (error: Error) => error.message)));
    expect(answers[0]).toBe('ok');
    expect(answers[1]).toContain('not known');
    expect((await probe(server!.restAddress, '/readyz'))?.status).toBe(200);
    const client = await RestClient.login(server!.restAddress, 'admin', '73@TuGraph');
    expect((await client.cypher(server!.restAddress, 'CREATE (n:After) RETURN count(n)')).rows).toEqual([[1]]);
  } finally {
    await group.stopAll('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}, 180_000);
