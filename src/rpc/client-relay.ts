/**
 * Calls from the thread that has the connection to the one that answers them, over a MessagePort. Messages go as bytes, one at a
 * time for each call: the next is asked for when gRPC has taken the last, so a slow client costs no memory.
 */
import type { MessagePort } from 'node:worker_threads';
import type { CallStart, CallStatus, ClientCall, Serve } from './client-call.ts';

type ToAnswer =
  | { readonly kind: 'open'; readonly id: number; readonly start: CallStart }
  | { readonly kind: 'sent'; readonly id: number }
  | { readonly kind: 'gone'; readonly id: number };

type ToConnection =
  | { readonly kind: 'send'; readonly id: number; readonly message: Uint8Array }
  | { readonly kind: 'end'; readonly id: number; readonly status: CallStatus };

/** A copy that owns its memory: a view would be cloned with the whole slab it lies in. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

/** The connection's side: every call it is given goes over the port. */
export function relayTo(port: MessagePort): Serve {
  const open = new Map<number, ClientCall>();
  let nextId = 1;
  port.on('message', (message: ToConnection) => {
    const call = open.get(message.id);
    if (call === undefined) return;
    if (message.kind === 'end') {
      open.delete(message.id);
      call.end(message.status);
      return;
    }
    void call.send(message.message).then(() => port.postMessage({ kind: 'sent', id: message.id } satisfies ToAnswer));
  });
  return (call) => {
    const id = nextId++;
    open.set(id, call);
    const { path, address, metadata, request } = call;
    port.postMessage({ kind: 'open', id, start: { path, address, metadata, request: owned(request) } } satisfies ToAnswer);
    call.onGone(() => {
      open.delete(id);
      port.postMessage({ kind: 'gone', id } satisfies ToAnswer);
    });
  };
}

class RelayedCall implements ClientCall {
  readonly path: string;
  readonly address: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly request: Uint8Array;
  readonly #post: (message: ToConnection) => void;
  readonly #id: number;
  #goneListeners: (() => void)[] = [];
  #sent: (() => void) | undefined;
  isGone = false;

  constructor(id: number, { path, address, metadata, request }: CallStart, post: (message: ToConnection) => void) {
    this.#id = id;
    this.path = path;
    this.address = address;
    this.metadata = metadata;
    this.request = request;
    this.#post = post;
  }

  onGone(listener: () => void): void {
    if (this.isGone) listener();
    else this.#goneListeners.push(listener);
  }

  gone(): void {
    this.isGone = true;
    this.sent();
    for (const listener of this.#goneListeners.splice(0)) listener();
  }

  sent(): void {
    this.#sent?.();
    this.#sent = undefined;
  }

  send(message: Uint8Array): Promise<void> {
    if (this.isGone) return Promise.resolve();
    return new Promise((resolve) => {
      this.#sent = resolve;
      this.#post({ kind: 'send', id: this.#id, message: owned(message) });
    });
  }

  end(status: CallStatus): void {
    this.#post({ kind: 'end', id: this.#id, status });
  }
}

/** The answering side. */
export function answerRelayed(port: MessagePort, serve: Serve): void {
  const open = new Map<number, RelayedCall>();
  port.on('message', (message: ToAnswer) => {
    if (message.kind === 'open') {
      const call = new RelayedCall(message.id, message.start, (answer) => {
        if (answer.kind === 'end') open.delete(answer.id);
        port.postMessage(answer);
      });
      open.set(message.id, call);
      serve(call);
      return;
    }
    const call = open.get(message.id);
    if (message.kind === 'sent') call?.sent();
    else {
      open.delete(message.id);
      call?.gone();
    }
  });
}
