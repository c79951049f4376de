/** What the chaos clients do, as sequential objects for `checkLinearizable`. */
import type { Model } from './linearizable.ts';

/** One value per key; null until the first write. */
export type RegisterIn =
  | { readonly kind: 'read'; readonly key: string }
  | { readonly kind: 'write'; readonly key: string; readonly value: number }
  | { readonly kind: 'cas'; readonly key: string; readonly from: number | null; readonly to: number };
/** A read's value, whether a cas took place; a write's answer says nothing. */
export type RegisterOut = number | boolean | null;

export const register: Model<number | null, RegisterIn, RegisterOut> = {
  initial: null,
  step(state, input, output) {
    if (input.kind === 'write') return input.value;
    if (input.kind === 'read') return output === undefined || output === state ? state : undefined;
    const isDone = state === input.from;
    if (output !== undefined && output !== isDone) return undefined;
    return isDone ? input.to : state;
  },
  keyOf: String,
  partOf: (input) => input.key,
};

/** Adds to a number per key; the answer of `add` is the sum afterwards. */
export type CounterIn = { readonly kind: 'add'; readonly key: string; readonly by: number } | { readonly kind: 'read'; readonly key: string };

export const counter: Model<number, CounterIn, number> = {
  initial: 0,
  step(state, input, output) {
    const next = input.kind === 'add' ? state + input.by : state;
    return output === undefined || output === next ? next : undefined;
  },
  keyOf: String,
  partOf: (input) => input.key,
};

/** Appends to a list per key; a read shows the whole list, so every order of appends is visible. */
export type ListIn = { readonly kind: 'append'; readonly key: string; readonly value: number } | { readonly kind: 'read'; readonly key: string };

export const listAppend: Model<readonly number[], ListIn, readonly number[]> = {
  initial: [],
  step(state, input, output) {
    if (input.kind === 'append') return [...state, input.value];
    return output === undefined || output.join() === state.join() ? state : undefined;
  },
  keyOf: (state) => state.join(),
  partOf: (input) => input.key,
};

/** Accounts that never go below zero; a transfer says whether it took place, a read shows all balances of one transaction. */
export type BankIn = { readonly kind: 'transfer'; readonly from: number; readonly to: number; readonly amount: number } | { readonly kind: 'read' };
export type BankOut = boolean | readonly number[];

export function bank(balances: readonly number[]): Model<readonly number[], BankIn, BankOut> {
  return {
    initial: balances,
    step(state, input, output) {
      if (input.kind === 'read') return output === undefined || (Array.isArray(output) && output.join() === state.join()) ? state : undefined;
      const isDone = state[input.from]! >= input.amount;
      if (output !== undefined && output !== isDone) return undefined;
      if (!isDone) return state;
      return state.map((balance, i) => balance - (i === input.from ? input.amount : 0) + (i === input.to ? input.amount : 0));
    },
    keyOf: (state) => state.join(),
  };
}
