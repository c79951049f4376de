/**
 * Values as the TCK writes them, and whether an engine value is one. Temporal values are strings there.
 */
import { formatValue } from '../../../src/value/format.ts';
import { isTemporal, Duration } from '../../../src/value/temporal.ts';
import { Float, integer, NodeValue, PathValue, RelationshipValue, type Value } from '../../../src/value/value.ts';

/** Nodes, relationships and paths of expectations have made-up ids. */
class ExpectedReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Value {
    const value = this.value();
    this.#space();
    if (this.#at < this.#text.length) throw new Error(`trailing text in ${this.#text}`);
    return value;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }
  #peek(text: string): boolean {
    this.#space();
    return this.#text.startsWith(text, this.#at);
  }
  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }
  #need(text: string): void {
    if (!this.#take(text)) throw new Error(`expected ${text} at ${this.#at} in ${this.#text}`);
  }
  #match(regex: RegExp): RegExpExecArray | null {
    this.#space();
    regex.lastIndex = this.#at;
    const match = regex.exec(this.#text);
    if (match !== null) this.#at += match[0].length;
    return match;
  }

  value(): Value {
    this.#space();
    if (this.#peek("'")) return this.#string();
    if (this.#peek('{')) return this.#map();
    if (this.#peek('(')) return this.#node();
    if (this.#peek('<')) return this.#path();
    if (this.#peek('[')) {
      const start = this.#at;
      this.#need('[');
      if (this.#peek(':')) {
        this.#at = start;
        return this.#relationship(0, 0);
      }
      const list: Value[] = [];
      if (this.#take(']')) return list;
      do list.push(this.value()); while (this.#take(','));
      this.#need(']');
      return list;
    }
    const number = this.#match(/[+-]?(?:\d+\.\d+|\d+|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y);
    if (number !== null) return /[.eE]/.test(number[0]) ? new Float(Number(number[0])) : integer(BigInt(number[0]));
    const infinite = this.#match(/([+-]?)Inf(?:inity)?\b/y);
    if (infinite !== null) return new Float(infinite[1] === '-' ? -Infinity : Infinity);
    const word = this.#match(/(?:null|true|false|NaN)\b/y)?.[0];
    if (word === undefined) throw new Error(`unknown value at ${this.#at} in ${this.#text}`);
    return word === 'null' ? null : word === 'NaN' ? new Float(NaN) : word === 'true';
  }

  #string(): string {
    this.#need("'");
    let out = '';
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === undefined) throw new Error(`unterminated string in ${this.#text}`);
      if (char === "'") return out;
      if (char !== '\\') {
        out += char;
        continue;
      }
      const escape = this.#text[this.#at++]!;
      const plain: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', "'": "'", '"': '"', '\\': '\\' };
      if (escape === 'u') {
        out += String.fromCharCode(Number.parseInt(this.#text.slice(this.#at, this.#at + 4), 16));
        this.#at += 4;
      } else out += plain[escape] ?? `\\${escape}`;
    }
  }

  #name(): string {
    const quoted = this.#match(/`((?:[^`]|``)*)`/y);
    if (quoted !== null) return quoted[1]!.replaceAll('``', '`');
    const name = this.#match(/[\p{L}_$][\p{L}\p{N}_$]*/uy);
    if (name !== null) return name[0];
    return this.#string();
  }

  #map(): Map<string, Value> {
    const map = new Map<string, Value>();
    this.#need('{');
    if (this.#take('}')) return map;
    do {
      const key = this.#name();
      this.#need(':');
      map.set(key, this.value());
    } while (this.#take(','));
    this.#need('}');
    return map;
  }

  #node(id = 0): NodeValue {
    this.#need('(');
    const labels: string[] = [];
    while (this.#take(':')) labels.push(this.#name());
    const properties = this.#peek('{') ? this.#map() : new Map<string, Value>();
    this.#need(')');
    return new NodeValue(id, labels, properties);
  }

  #relationship(start: number, end: number): RelationshipValue {
    this.#need('[');
    this.#need(':');
    const type = this.#name();
    const properties = this.#peek('{') ? this.#map() : new Map<string, Value>();
    this.#need(']');
    return new RelationshipValue(0, 0, start, end, type, properties);
  }

  #path(): PathValue {
    this.#need('<');
    const nodes = [this.#node(0)];
    const relationships: RelationshipValue[] = [];
    while (!this.#take('>')) {
      const at = nodes.length;
      const back = this.#take('<-');
      if (!back) this.#need('-');
      relationships.push(back ? this.#relationship(at, at - 1) : this.#relationship(at - 1, at));
      this.#need(back ? '-' : '->');
      nodes.push(this.#node(at));
    }
    return new PathValue(nodes, relationships);
  }
}

export function readExpected(text: string): Value {
  return new ExpectedReader(text).whole();
}

export function matches(expected: Value, actual: Value, anyListOrder: boolean): boolean {
  if (expected === null || typeof expected === 'boolean' || typeof expected === 'number' || typeof expected === 'bigint') return expected === actual;
  if (typeof expected === 'string') {
    if (typeof actual === 'string') return expected === actual;
    return (isTemporal(actual) || actual instanceof Duration) && formatValue(actual) === expected;
  }
  if (expected instanceof Float) return actual instanceof Float && (expected.value === actual.value || (Number.isNaN(expected.value) && Number.isNaN(actual.value)));
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return false;
    return anyListOrder ? sameBag(expected, actual, (a, b) => matches(a, b, true)) : expected.every((item, i) => matches(item, actual[i]!, false));
  }
  if (expected instanceof Map) return actual instanceof Map && sameMap(expected, actual, anyListOrder);
  if (expected instanceof NodeValue) {
    return actual instanceof NodeValue && [...expected.labels!].sort().join('\0') === [...actual.labels!].sort().join('\0')
      && sameMap(expected.properties!, actual.properties!, anyListOrder);
  }
  if (expected instanceof RelationshipValue) {
    return actual instanceof RelationshipValue && expected.type === actual.type && sameMap(expected.properties!, actual.properties!, anyListOrder);
  }
  if (expected instanceof PathValue) {
    return actual instanceof PathValue && expected.nodes.length === actual.nodes.length
      && expected.nodes.every((node, i) => matches(node, actual.nodes[i]!, anyListOrder))
      && expected.relationships.every((relationship, i) => {
        const other = actual.relationships[i]!;
        const forward = other.start === actual.nodes[i]!.id && other.end === actual.nodes[i + 1]!.id;
        const backward = other.end === actual.nodes[i]!.id && other.start === actual.nodes[i + 1]!.id;
        return matches(relationship, other, anyListOrder) && (relationship.start < relationship.end ? forward : backward);
      });
  }
  return false;
}

function sameMap(expected: Map<string, Value>, actual: Map<string, Value>, anyListOrder: boolean): boolean {
  return expected.size === actual.size && [...expected].every(([key, value]) => actual.has(key) && matches(value, actual.get(key)!, anyListOrder));
}

export function sameBag<A, B>(expected: readonly A[], actual: readonly B[], same: (a: A, b: B) => boolean): boolean {
  if (expected.length !== actual.length) return false;
  const left = [...actual];
  return expected.every((item) => {
    const at = left.findIndex((other) => same(item, other));
    if (at < 0) return false;
    left.splice(at, 1);
    return true;
  });
}
