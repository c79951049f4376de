/** Reading request bodies: every field is checked before it is used. */
import { DbError } from '../base/errors.ts';
import { Float } from './value.ts';

export type Body = Readonly<Record<string, unknown>>;

function wrong(message: string): DbError {
  return new DbError('InvalidRequest', message);
}

export function bodyOf(json: unknown): Body {
  if (json === null || json === undefined) return {};
  if (typeof json !== 'object' || Array.isArray(json) || json instanceof Float) throw wrong('Illegal JSON content.');
  return json as Body;
}

export function textField(body: Body, name: string): string {
  const value = body[name];
  if (value === undefined || value === null) throw wrong(`\`${name}\` not specified.`);
  if (typeof value !== 'string') throw wrong(`\`${name}\` must be a string.`);
  return value;
}

export function optionalText(body: Body, name: string): string | undefined {
  return body[name] === undefined || body[name] === null ? undefined : textField(body, name);
}

export function integerField(body: Body, name: string): number {
  const value = body[name];
  if (value === undefined || value === null) throw wrong(`\`${name}\` not specified.`);
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrong(`\`${name}\` must be an integer.`);
  return value;
}

export function booleanField(body: Body, name: string): boolean {
  const value = body[name];
  if (typeof value !== 'boolean') throw wrong(value === undefined ? `\`${name}\` not specified.` : `\`${name}\` must be true or false.`);
  return value;
}

/** What was not said, or null, is `otherwise`; a text such as "no" is a mistake, whichever of the two it would be taken for. */
export function optionalBoolean(body: Body, name: string, otherwise: boolean): boolean {
  return body[name] === undefined || body[name] === null ? otherwise : booleanField(body, name);
}

export function listField(body: Body, name: string): readonly unknown[] {
  const value = body[name];
  if (value === undefined || value === null) throw wrong(`\`${name}\` not specified.`);
  if (!Array.isArray(value)) throw wrong(`\`${name}\` must be an array.`);
  return value;
}

export function textsOf(list: unknown, name: string): string[] {
  if (!Array.isArray(list) || !list.every((item): item is string => typeof item === 'string')) throw wrong(`\`${name}\` must be an array of strings.`);
  return list;
}

export function objectField(body: Body, name: string): Body {
  const value = body[name];
  if (value === undefined || value === null) throw wrong(`\`${name}\` not specified.`);
  return bodyOf(value);
}

/** A vertex id in a path. */
export function vertexId(text: string): number {
  const id = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(id)) throw wrong(`Failed to parse vertex id: "${text}" is not a number.`);
  return id;
}

/** A text that should hold JSON itself. */
export function jsonField(body: Body, name: string): Body {
  const value = body[name];
  if (typeof value === 'object') return objectField(body, name);
  try {
    return bodyOf(JSON.parse(textField(body, name)));
  } catch (error) {
    if (error instanceof DbError) throw error;
    throw wrong(`\`${name}\` is not JSON: ${error instanceof Error ? error.message : ''}`);
  }
}
