/** JSON with exact integers: those that a double would round become bigint. `JSON.parse` where no number is long enough. */
import { parse } from 'lossless-json';

const LONG = /\d{16}/;

function exact(text: string): number | bigint {
  if (!/^-?\d+$/.test(text)) return Number(text);
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

export function parseExact(text: string): unknown {
  return LONG.test(text) ? parse(text, undefined, exact) : JSON.parse(text);
}

/** The other way: bigint as plain digits. */
export function stringifyExact(value: unknown, indent = ''): string {
  const write = (one: unknown, margin: string): string => {
    if (typeof one === 'bigint') return String(one);
    if (one === null || typeof one !== 'object') return JSON.stringify(one) ?? 'null';
    const inner = margin + indent;
    const [gap, end] = indent === '' ? ['', ''] : [`\n${inner}`, `\n${margin}`];
    const items = Array.isArray(one)
      ? one.map((item) => gap + write(item, inner))
      : Object.entries(one).map(([key, item]) => `${gap}${JSON.stringify(key)}:${indent === '' ? '' : ' '}${write(item, inner)}`);
    const [open, close] = Array.isArray(one) ? '[]' : '{}';
    return items.length === 0 ? `${open}${close}` : `${open}${items.join(',')}${end}${close}`;
  };
  return write(value, '');
}
