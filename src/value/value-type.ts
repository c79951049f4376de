/**
 * Types of values as the language writes them: `x IS :: LIST<INTEGER NOT NULL> | STRING`, and what property type constraints allow.
 *
 * A type travels as its text in one form: the names of Cypher 5 without their synonyms, each once, in Neo4j's order, `A | B` for a choice.
 */
import { typeName } from './format.ts';
import { Float, NodeValue, PathValue, RelationshipValue, type Value } from './value.ts';

/** Names by all their synonyms. */
const NAMES: Readonly<Record<string, string>> = {
  NOTHING: 'NOTHING', NULL: 'NULL', BOOL: 'BOOLEAN', BOOLEAN: 'BOOLEAN', STRING: 'STRING', VARCHAR: 'STRING', INT: 'INTEGER', INTEGER: 'INTEGER',
  'SIGNED INTEGER': 'INTEGER', FLOAT: 'FLOAT', DATE: 'DATE', 'LOCAL TIME': 'LOCAL TIME', 'TIME WITHOUT TIMEZONE': 'LOCAL TIME', 'ZONED TIME': 'ZONED TIME',
  'TIME WITH TIMEZONE': 'ZONED TIME', TIME: 'ZONED TIME', 'LOCAL DATETIME': 'LOCAL DATETIME', 'TIMESTAMP WITHOUT TIMEZONE': 'LOCAL DATETIME', TIMESTAMP: 'LOCAL DATETIME',
  'ZONED DATETIME': 'ZONED DATETIME', 'TIMESTAMP WITH TIMEZONE': 'ZONED DATETIME', DATETIME: 'ZONED DATETIME', DURATION: 'DURATION', POINT: 'POINT',
  NODE: 'NODE', VERTEX: 'NODE', RELATIONSHIP: 'RELATIONSHIP', EDGE: 'RELATIONSHIP', MAP: 'MAP', PATH: 'PATH', PATHS: 'PATH', 'PROPERTY VALUE': 'PROPERTY VALUE', ANY: 'ANY',
};
const ORDER = ['NOTHING', 'NULL', 'BOOLEAN', 'STRING', 'INTEGER', 'FLOAT', 'DATE', 'LOCAL TIME', 'ZONED TIME', 'LOCAL DATETIME', 'ZONED DATETIME', 'DURATION', 'POINT', 'NODE', 'RELATIONSHIP', 'MAP', 'LIST', 'PATH', 'PROPERTY VALUE', 'ANY'];
const STORABLE = new Set(ORDER.slice(ORDER.indexOf('BOOLEAN'), ORDER.indexOf('NODE')));
const NOT_NULL = ' NOT NULL';

interface Choice {
  readonly name: string;
  readonly notNull: boolean;
  /** Of a list. */
  readonly element: string | undefined;
}

/** The type in the form above, or undefined where a name in it is none. `text`: upper case, single blanks, choices apart by `|`. */
export function canonicalType(text: string): string | undefined {
  const choices: string[] = [];
  for (const part of splitChoices(text)) {
    const closed = /^ANY<(.*)>$/.exec(part);
    if (closed !== null) {
      const inner = canonicalType(closed[1]!);
      if (inner === undefined) return undefined;
      choices.push(...splitChoices(inner));
      continue;
    }
    const { name, notNull, element } = choiceOf(part);
    const known = NAMES[name] ?? NAMES[name.replace(/^ANY /, '')] ?? (name === 'ANY VALUE' ? 'ANY' : undefined);
    if (element !== undefined) {
      const inner = canonicalType(element);
      if (inner === undefined) return undefined;
      choices.push(`LIST<${inner}>${notNull ? NOT_NULL : ''}`);
    } else if (known !== undefined || name === 'LIST' || name === 'ARRAY') choices.push(`${known ?? 'LIST<ANY>'}${notNull ? NOT_NULL : ''}`);
    else return undefined;
  }
  const rank = (choice: string): number => ORDER.indexOf(choice.startsWith('LIST<') ? 'LIST' : choice.replace(NOT_NULL, ''));
  return [...new Set(choices)].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).join(' | ');
}

/** Whether properties can be asked to be of the type: what can be stored, lists without nulls. */
export function isPropertyType(canonical: string): boolean {
  return splitChoices(canonical).every((part) => {
    const { name, notNull, element } = choiceOf(part);
    if (notNull) return false;
    if (element === undefined) return STORABLE.has(name);
    const inner = splitChoices(element);
    return inner.length === 1 && inner[0]!.endsWith(NOT_NULL) && STORABLE.has(choiceOf(inner[0]!).name);
  });
}

/** A test for a type in the form above. Null is of every type that does not say NOT NULL. */
export function typeTest(canonical: string): (value: Value) => boolean {
  const choices = splitChoices(canonical).map((part): ((value: Value) => boolean) => {
    const { name, notNull, element } = choiceOf(part);
    const inner = element === undefined ? undefined : typeTest(element);
    return (value) => {
      if (value === null) return !notNull && name !== 'NOTHING';
      if (inner !== undefined) return Array.isArray(value) && value.every(inner);
      return isOfType(value, name);
    };
  });
  return choices.length === 1 ? choices[0]! : (value) => choices.some((choice) => choice(value));
}

function choiceOf(part: string): Choice {
  const notNull = part.endsWith(NOT_NULL);
  const name = notNull ? part.slice(0, -NOT_NULL.length) : part;
  return { name, notNull, element: /^(?:LIST|ARRAY)<(.*)>$/.exec(name)?.[1] };
}

function splitChoices(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '<') depth++;
    else if (text[i] === '>') depth--;
    else if (text[i] === '|' && depth === 0) {
      parts.push(text.slice(from, i).trim());
      from = i + 1;
    }
  }
  return [...parts, text.slice(from).trim()];
}

function isOfType(value: Value, name: string): boolean {
  switch (name) {
    case 'ANY': return true;
    case 'PROPERTY VALUE': return !(value instanceof NodeValue || value instanceof RelationshipValue || value instanceof PathValue || value instanceof Map);
    case 'NULL': case 'NOTHING': return false;
    case 'INTEGER': return typeof value === 'number' || typeof value === 'bigint';
    case 'FLOAT': return value instanceof Float;
    default: return typeName(value).toUpperCase() === name;
  }
}
