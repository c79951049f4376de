/**
 * Assertions stay on in production. A failed one means that *our* reasoning is wrong; user input must never reach one.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

export function assert(claim: unknown, message: string): asserts claim {
  if (!claim) throw new AssertionError(message);
}

/** Closes a switch over a union: a new member that is not handled becomes a compile error here. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
