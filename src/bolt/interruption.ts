/** Waiting that a RESET, or the client's leaving, can end. One thing is waited for at a time. */

/** What an interrupted wait throws. */
export const INTERRUPTED = Symbol('interrupted');

export class Interruption {
  readonly #isDue: () => boolean;
  #end: (() => void) | undefined;

  /** `isDue`: nothing is to be waited for any more. */
  constructor(isDue: () => boolean) {
    this.#isDue = isDue;
  }

  get isWaiting(): boolean {
    return this.#end !== undefined;
  }

  /** Waits for the work, unless it is interrupted first; what comes after that is handed to `late`. */
  wait<T>(work: Promise<T>, late: (value: T) => void = () => undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const settle = (then: () => void) => {
        this.#end = undefined;
        then();
      };
      this.#end = () => {
        isOver = true;
        settle(() => reject(INTERRUPTED));
      };
      work.then((value) => (isOver ? late(value) : settle(() => resolve(value))), (error: unknown) => {
        if (!isOver) settle(() => reject(error));
      });
      if (this.#isDue()) this.#end();
    });
  }

  /** Ends the wait. */
  interrupt(): void {
    this.#end?.();
  }
}
