/** Where a request comes from: for the logs, the limits per address, and the metrics. */

export interface Origin {
  readonly protocol: 'rest' | 'bolt' | 'rpc' | 'none';
  /** The client's address, without its port. */
  readonly address: string;
  /** W3C trace context (https://www.w3.org/TR/trace-context/) that the client sent with its request or connection. */
  readonly traceparent?: string | undefined;
}

/** The server's own doing. */
export const NO_ORIGIN: Origin = { protocol: 'none', address: '' };

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** The header if it is what the standard says; anything else is as if it had not been sent, as the standard wants. */
export function traceparentOf(text: unknown): string | undefined {
  return typeof text === 'string' && text.length <= 200 && TRACEPARENT.test(text) ? text : undefined;
}

/** The part that all of one request's work shares. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent?.slice(3, 35);
}

/** An IPv4 address that came over an IPv6 socket is written as what it is. */
export function plainAddress(address: string): string {
  return address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
