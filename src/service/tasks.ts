/** The statements that run on this server, with a kill switch each: a slot in memory that all threads share. */
import { DbError } from '../base/errors.ts';
import type { TaskInfo } from './api.ts';
import { withoutSecrets } from '../base/redact.ts';

const SLOTS = 65_536;

export interface Task {
  readonly id: string;
  readonly slot: number;
  readonly text: string;
  readonly user: string;
  readonly graph: string;
  readonly startedMs: number;
}

export class TaskRegistry {
  readonly buffer = new SharedArrayBuffer(SLOTS * 4);
  readonly #flags = new Int32Array(this.buffer);
  readonly #free: number[] = [];
  readonly #tasks = new Map<string, Task>();
  readonly #max: number;
  #used = 0;
  #next = 1;
  /** Statements started since this server started. */
  started = 0;

  constructor(max: number) {
    this.#max = Math.min(max, SLOTS);
  }

  start(text: string, user: string, graph: string): Task {
    if (this.#tasks.size >= this.#max) {
      throw new DbError('Busy', `${this.#tasks.size} statements are running, no more are allowed`, { hint: 'try again shortly, or raise max_running_statements' });
    }
    const slot = this.#free.pop() ?? this.#used++;
    Atomics.store(this.#flags, slot, 0);
    const task: Task = { id: `${slot}_${this.#next++}`, slot, text, user, graph, startedMs: performance.now() };
    this.#tasks.set(task.id, task);
    this.started++;
    return task;
  }

  end(task: Task): void {
    if (this.#tasks.delete(task.id)) this.#free.push(task.slot);
  }

  /** Asks the statement to stop; it does at its next checkpoint. */
  kill(id: string): void {
    const task = this.#tasks.get(id);
    if (task === undefined) throw new DbError('NotFound', `Task [${id}] not exist.`);
    Atomics.store(this.#flags, task.slot, 1);
  }

  isKilled(slot: number): boolean {
    return Atomics.load(this.#flags, slot) === 1;
  }

  killAll(): void {
    for (const id of this.#tasks.keys()) this.kill(id);
  }

  list(): TaskInfo[] {
    const now = performance.now();
    return [...this.#tasks.values()].map((task) => ({ taskId: task.id, description: `[CYPHER] ${withoutSecrets(task.text)}`, user: task.user, graph: task.graph, elapsedMs: now - task.startedMs }));
  }

  get size(): number {
    return this.#tasks.size;
  }
}
