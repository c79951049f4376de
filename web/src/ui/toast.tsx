/** Short notes that go by themselves. */
import { signal } from '@preact/signals';
import { messageOf } from './errors.tsx';

interface Note {
  readonly id: number;
  readonly text: string;
  readonly kind: 'good' | 'bad';
}

const LASTS_MS = 6000;
const notes = signal<readonly Note[]>([]);
let last = 0;

export function toast(text: string, kind: 'good' | 'bad' = 'good'): void {
  const id = ++last;
  notes.value = [...notes.value.slice(-3), { id, text, kind }];
  setTimeout(() => {
    notes.value = notes.value.filter((note) => note.id !== id);
  }, LASTS_MS);
}

/** Does it, and says so when it fails. */
export async function tried(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    toast(messageOf(error), 'bad');
  }
}

export function Toasts() {
  return <div class="toasts" role="status" aria-live="polite">{notes.value.map((note) => <div key={note.id} class={`toast ${note.kind}`}>{note.text}</div>)}</div>;
}
