/** How far a long job is: a bar with rate and time left on a terminal, JSON lines for scripts (`--progress json`), or nothing. */
import { SingleBar } from 'cli-progress';

export const PROGRESS_FORMS = ['auto', 'bar', 'json', 'none'] as const;
export type ProgressForm = (typeof PROGRESS_FORMS)[number];

export interface Step {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** Elements (vertices and edges), rows or bytes so far: what the rate counts. */
  readonly elements: number;
}

export interface ProgressLine {
  show(step: Step): void;
  /** Ends the line; to be called before anything else is printed. */
  end(): void;
}

const JSON_EVERY_MS = 1000;

/** Everything goes to stderr: stdout is for results. */
export function progressLine(form: ProgressForm): ProgressLine {
  const chosen = form === 'auto' ? (process.stderr.isTTY ? 'bar' : 'none') : form;
  if (chosen === 'none') return { show: () => undefined, end: () => undefined };
  return chosen === 'json' ? new JsonProgress() : new BarProgress();
}

class JsonProgress implements ProgressLine {
  readonly #from = performance.now();
  #last = -Infinity;
  #step: Step | undefined;
  #shown: Step | undefined;

  show(step: Step): void {
    this.#step = step;
    const now = performance.now();
    if (now - this.#last < JSON_EVERY_MS) return;
    this.#last = now;
    this.#print(step);
  }

  #print(step: Step): void {
    this.#shown = step;
    const seconds = (performance.now() - this.#from) / 1000;
    process.stderr.write(`${JSON.stringify({ ...step, seconds: Math.round(seconds * 10) / 10, per_second: Math.round(step.elements / Math.max(seconds, 0.001)) })}\n`);
  }

  end(): void {
    if (this.#step !== undefined && this.#step !== this.#shown) this.#print(this.#step);
  }
}

class BarProgress implements ProgressLine {
  readonly #from = performance.now();
  #bar: SingleBar | undefined;
  #phase = '';

  show(step: Step): void {
    if (step.phase !== this.#phase) {
      this.end();
      this.#phase = step.phase;
      this.#bar = new SingleBar({ format: `${step.phase.padEnd(10)} {bar} {percentage}% | {elements} elements, {rate}/s | {eta_formatted} left`, hideCursor: true, etaBuffer: 100, fps: 5, stream: process.stderr });
      this.#bar.start(Math.max(step.total, 1), 0, { elements: 0, rate: 0 });
    }
    const seconds = (performance.now() - this.#from) / 1000;
    this.#bar!.update(Math.min(step.done, step.total), { elements: step.elements, rate: Math.round(step.elements / Math.max(seconds, 0.001)) });
  }

  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    // What comes after it has a bar of its own.
    this.#phase = '';
  }
}
