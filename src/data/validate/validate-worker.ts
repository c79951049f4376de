/** A further thread of a validation: see helper.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { Channel } from '../../base/channel.ts';
import type { PortLike } from '../../base/channel.ts';
import { withStore } from '../open-store.ts';
import type { IdPages } from './id-set.ts';
import type { Task } from './plan.ts';
import { StoreScan } from './store-scan.ts';

const { directory } = workerData as { readonly directory: string };
let end: () => void = () => undefined;
let closed: Promise<void> = Promise.resolve();

const opened = new Promise<StoreScan>((resolve, reject) => {
  closed = withStore(directory, async (engine, reader) => {
    const point = reader.acquire();
    resolve(new StoreScan(engine, point));
    await new Promise<void>((done) => (end = done));
    reader.release(point);
  }).catch(reject);
});

void new Channel(parentPort as unknown as PortLike, {
  run: async (task: Task) => (await opened).run(task),
  known: async () => (await opened).known(),
  learn: async (known: ReadonlyMap<number, IdPages>) => (await opened).learn(known),
  totals: async () => (await opened).totals(),
  close: () => {
    end();
    return closed;
  },
});
