/** One question to the RPC port of a server, for tools that are no server themselves. */
import { callFailure } from '../base/call-failure.ts';
import { insecure } from './raft-channel.ts';
import type { PeerCredentials } from './raft-channel.ts';
import { peerService } from './raft-proto.ts';
import type { PeerClient } from './raft-proto.ts';

export function askPeer(address: string, op: string, body: unknown, options: { secret: string | undefined; timeoutMs: number; credentials?: PeerCredentials | undefined }): Promise<unknown> {
  const client = new (peerService())(address, (options.credentials ?? insecure).channel) as unknown as PeerClient;
  const payload = Buffer.from(JSON.stringify({ op, body, secret: options.secret }));
  return new Promise<unknown>((resolve, reject) => {
    client.Call({ payload }, { deadline: Date.now() + options.timeoutMs }, (error, answer) => {
      client.close();
      if (error !== null || answer === undefined) {
        reject(new Error(error === null ? 'no answer' : callFailure(error.details).text));
        return;
      }
      const parsed = JSON.parse(answer.payload.toString()) as { ok?: unknown; error?: string };
      if (parsed.error === undefined) resolve(parsed.ok);
      else reject(new Error(parsed.error));
    });
  });
}
