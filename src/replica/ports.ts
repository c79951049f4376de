/** One end of a channel between threads, as `MessagePort` is one: messages come in the order in which they were sent. */
export interface Port<In, Out> {
  postMessage(message: Out, transfer?: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (message: In) => void): unknown;
}
