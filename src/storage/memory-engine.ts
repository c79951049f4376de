/**
 * The engine in memory, for tests and simulation: every key keeps its versions until no open snapshot needs them.
 */
import type { BatchInProgress, Engine, EngineSnapshot, KeyRange, WriteOp } from './engine.ts';

interface Version {
  readonly sequence: number;
  readonly value: Uint8Array | undefined;
}

class MemorySnapshot implements EngineSnapshot {
  readonly sequence: number;
  readonly #onClose: (snapshot: MemorySnapshot) => void;

  constructor(sequence: number, onClose: (snapshot: MemorySnapshot) => void) {
    this.sequence = sequence;
    this.#onClose = onClose;
  }

  async close(): Promise<void> {
    this.#onClose(this);
  }
}

const text = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');

export class MemoryEngine implements Engine {
  readonly #keys = new Map<string, Version[]>();
  readonly #snapshots = new Set<MemorySnapshot>();
  #sequence = 0;

  getSync(key: Uint8Array, snapshot?: EngineSnapshot): Uint8Array | undefined {
    return find(this.#keys.get(text(key)), snapshot instanceof MemorySnapshot ? snapshot.sequence : this.#sequence);
  }

  beginBatch(): BatchInProgress {
    const operations: WriteOp[] = [];
    return {
      put: (key, value) => void operations.push({ type: 'put', key: Uint8Array.from(key), value: Uint8Array.from(value) }),
      del: (key) => void operations.push({ type: 'del', key: Uint8Array.from(key) }),
      write: () => this.batch(operations),
    };
  }

  snapshot(): EngineSnapshot {
    const snapshot = new MemorySnapshot(this.#sequence, (closed) => this.#snapshots.delete(closed));
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  async batch(operations: readonly WriteOp[]): Promise<void> {
    const sequence = ++this.#sequence;
    let oldest = sequence;
    for (const snapshot of this.#snapshots) oldest = Math.min(oldest, snapshot.sequence);
    for (const operation of operations) {
      const name = text(operation.key);
      const version: Version = { sequence, value: operation.type === 'put' ? Uint8Array.from(operation.value) : undefined };
      const versions = this.#keys.get(name);
      if (versions === undefined || oldest === sequence) this.#keys.set(name, [version]);
      else versions.push(version);
    }
  }

  async *entries(range: KeyRange, options: { readonly snapshot?: EngineSnapshot; readonly size?: number } = {}): AsyncGenerator<[Uint8Array, Uint8Array][]> {
    const sequence = options.snapshot instanceof MemorySnapshot ? options.snapshot.sequence : this.#sequence;
    const low = range.gte === undefined ? '' : text(range.gte);
    const high = range.lt === undefined ? undefined : text(range.lt);
    const names = [...this.#keys.keys()].filter((name) => name >= low && (high === undefined || name < high)).sort();
    let batch: [Uint8Array, Uint8Array][] = [];
    for (const name of names) {
      const value = find(this.#keys.get(name), sequence);
      if (value === undefined) continue;
      batch.push([Buffer.from(name, 'latin1'), value]);
      if (batch.length >= (options.size ?? 1024)) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  }

  async sizeBytes(): Promise<number> {
    let bytes = 0;
    for (const [name, versions] of this.#keys) bytes += name.length + (versions.at(-1)?.value?.length ?? 0);
    return bytes;
  }

  async close(): Promise<void> {
    this.#keys.clear();
  }
}

function find(versions: readonly Version[] | undefined, sequence: number): Uint8Array | undefined {
  if (versions === undefined) return undefined;
  for (let i = versions.length - 1; i >= 0; i--) {
    const version = versions[i]!;
    if (version.sequence <= sequence) return version.value;
  }
  return undefined;
}
