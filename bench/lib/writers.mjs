/** Clients that write through one address, each its next write when the last is acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';

export class Writers {
  count = 0;
  errors = 0;
  #isStopped = false;
  #all;

  constructor(address, client, clients) {
    this.#all = Promise.all(Array.from({ length: clients }, () => this.#run(address, client.sibling())));
  }

  async #run(address, client) {
    while (!this.#isStopped) {
      try {
        await client.cypher(address, 'CREATE (:Item {value: $value})', { parameters: { $value: 'x'.repeat(256) } });
        this.count++;
      } catch {
        this.errors++;
        await sleep(10);
      }
    }
  }

  async rate(seconds) {
    const [count, began] = [this.count, performance.now()];
    await sleep(seconds * 1000);
    return (this.count - count) / ((performance.now() - began) / 1000);
  }

  async stop() {
    this.#isStopped = true;
    await this.#all;
  }
}
