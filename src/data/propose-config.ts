/**
 * A configuration proposed from CSV files: from the names in their first lines, and types from the rows that follow.
 *
 *   Neo4j's headers   id:ID(Person){id-type:long}  :LABEL  age:int  :START_ID(Person)  :END_ID  :TYPE  :IGNORE
 *   LDBC's            Comment.id|Person.id|creationDate in comment_hasCreator_person_0_0.csv; id|name in tag_0_0.csv
 *   plain             a column called SRC_ID, source, from or start and one DST_ID, destination, target, to or end make an edge file;
 *                     the primary field is `id`, else the first column whose values are all there and all different
 *
 * Everything but the primary field is optional. It is a proposal: to be read before it is used; what it cannot say of the files is noted.
 */
import { basename } from 'node:path';
import { DbError } from '../base/errors.ts';
import type { FieldType } from '../graph/catalog.ts';
import { cellReader } from './cells.ts';
import { csvRows } from './csv.ts';
import type { Cell } from './csv.ts';
import { textParts } from './row-source.ts';

/** Rows of each file that are looked at. */
const SAMPLE_ROWS = 1000;

interface Column {
  /** Property, SKIP, SRC_ID or DST_ID. */
  readonly name: string;
  readonly type: FieldType;
  readonly isPrimary: boolean;
}

interface FileGuess {
  readonly path: string;
  readonly label: string;
  readonly columns: readonly Column[];
  /** What the ends of an edge are called: a label, an id space, or part of one. Undefined: a vertex file. */
  readonly ends: readonly [string, string] | undefined;
  /** The name that edges refer to a vertex file by. */
  readonly space: string;
}

type Json = Readonly<Record<string, unknown>>;

export async function proposeConfig(paths: readonly string[], delimiter: string, note: (text: string) => void): Promise<Json> {
  const guesses: FileGuess[] = [];
  for (const path of paths) guesses.push(await guessOf(path, delimiter, note));
  const vertices = guesses.filter(({ ends }) => ends === undefined);
  if (vertices.length === 0) throw new DbError('InvalidRequest', 'none of the files looks like vertices', { hint: 'the first line must name the columns; see docs/import.md' });
  const labelOf = (end: string): string => {
    const isNamed = (name: string) => name.toLowerCase() === end.toLowerCase();
    return (vertices.find(({ space, label }) => isNamed(space) || isNamed(label)) ?? vertices[0]!).label;
  };
  const edges = guesses.filter(({ ends }) => ends !== undefined);
  return {
    schema: [...schemas(vertices, 'VERTEX', labelOf), ...schemas(edges, 'EDGE', labelOf)],
    files: [...vertices, ...edges].map(({ path, label, columns, ends }) => ({
      path, format: 'CSV', label, header: 1, ...(ends === undefined ? {} : { SRC_ID: labelOf(ends[0]), DST_ID: labelOf(ends[1]) }), columns: columns.map(({ name }) => name),
    })),
  };
}

/** Files of one label share its fields; a type that only some of them have becomes the wider one. */
function schemas(files: readonly FileGuess[], type: string, labelOf: (end: string) => string): Json[] {
  return [...new Set(files.map(({ label }) => label))].map((label) => {
    const own = files.filter((file) => file.label === label);
    const fields = new Map<string, Column>();
    for (const column of own.flatMap(({ columns }) => columns)) {
      if (['SKIP', 'SRC_ID', 'DST_ID'].includes(column.name)) continue;
      const known = fields.get(column.name);
      fields.set(column.name, known === undefined ? column : { ...known, type: wider(known.type, column.type) });
    }
    const primary = [...fields.values()].find(({ isPrimary }) => isPrimary)?.name;
    const pairs = [...new Set(own.flatMap(({ ends }) => (ends === undefined ? [] : [JSON.stringify([labelOf(ends[0]), labelOf(ends[1])])])))].map((pair) => JSON.parse(pair) as unknown);
    return {
      label, type, ...(type === 'VERTEX' ? { primary } : { constraints: pairs }),
      properties: [...fields.values()].map((field) => ({ name: field.name, type: field.type, ...(field.name === primary ? {} : { optional: true }) })),
    };
  });
}

function wider(a: FieldType, b: FieldType): FieldType {
  if (a === b) return a;
  const numbers: readonly string[] = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT', 'DOUBLE'];
  return numbers.includes(a) && numbers.includes(b) ? (a === 'INT64' && b === 'INT32' ? a : 'DOUBLE') : 'STRING';
}

async function guessOf(path: string, delimiter: string, note: (text: string) => void): Promise<FileGuess> {
  const [header, ...rows] = await sampleOf(path, delimiter);
  if (header === undefined) throw new DbError('InvalidRequest', `${path} is empty`, { hint: 'the first line must name the columns' });
  const names = header.map((name) => name ?? '');
  const values = (at: number) => rows.map((row) => row[at] ?? null);
  const stem = basename(path).replace(/\.gz$/, '').replace(/\.[^.]*$/, '').replace(/(_\d+)+$/, '');
  if (names.some((name) => /:(ID|START_ID|END_ID)\b/i.test(name))) return neo4j({ path, stem, names, values }, note);
  if (names.length >= 2 && names.slice(0, 2).every((name) => /^[^.]+\.id$/i.test(name))) return ldbcEdge({ path, stem, names, values });
  return plain({ path, stem, names, values });
}

interface Sampled {
  readonly path: string;
  /** The file's name without its endings and part numbers. */
  readonly stem: string;
  readonly names: readonly string[];
  readonly values: (at: number) => readonly Cell[];
}

async function sampleOf(path: string, delimiter: string): Promise<(readonly Cell[])[]> {
  let text = '';
  for await (const part of textParts(path)) {
    text += part.text;
    if (text.split('\n').length > SAMPLE_ROWS + 1) break;
  }
  // The last row may be cut off.
  const rows = csvRows(text, delimiter).flatMap((row) => (row.cells === undefined ? [] : [row.cells]));
  return rows.slice(0, Math.min(SAMPLE_ROWS + 1, Math.max(rows.length, 1)));
}

const NEO4J_TYPES: Readonly<Record<string, FieldType>> = {
  int: 'INT64', long: 'INT64', byte: 'INT8', short: 'INT16', float: 'FLOAT', double: 'DOUBLE', boolean: 'BOOL', string: 'STRING', char: 'STRING',
  date: 'DATE', datetime: 'DATETIME', localdatetime: 'DATETIME', point: 'POINT',
};

/** name:type(id space){option: value, …}; only the type is in each. */
const NEO4J_HEADER = /^(.*?)(?::([A-Za-z_[\]]+)(?:\(([^)]*)\))?(?:\{([^}]*)\})?)?$/;

function neo4j({ path, stem, names, values }: Sampled, note: (text: string) => void): FileGuess {
  let label = fieldName(stem);
  let space = stem;
  const ends: [string, string] = ['', ''];
  const columns = names.map((header, at): Column => {
    const [, name, mark, inside, options = ''] = NEO4J_HEADER.exec(header)!;
    const word = (mark ?? '').toUpperCase();
    const skip: Column = { name: 'SKIP', type: 'STRING', isPrimary: false };
    if (word === 'LABEL' || word === 'TYPE') {
      const all = new Set(values(at).flatMap((value) => (value === null ? [] : value.split(';'))));
      const [first] = all;
      if (first !== undefined) label = fieldName(first);
      if (all.size > 1) note(`${path}: ${header} has ${[...all].slice(0, 5).join(', ')}, but all rows of a file are of one label: here ${label}. Make a file of each`);
      return skip;
    }
    if (word === 'IGNORE') return skip;
    if (word === 'START_ID' || word === 'END_ID') {
      ends[word === 'START_ID' ? 0 : 1] = inside ?? '';
      return { name: word === 'START_ID' ? 'SRC_ID' : 'DST_ID', type: 'STRING', isPrimary: false };
    }
    if (word === 'ID') {
      space = inside ?? stem;
      return { name: fieldName(name === '' ? 'id' : name!), type: /id-type\s*:\s*string/i.test(options) ? 'STRING' : typeOf(values(at)), isPrimary: true };
    }
    return { name: fieldName(name!), type: mark === undefined ? typeOf(values(at)) : NEO4J_TYPES[mark.toLowerCase()] ?? 'STRING', isPrimary: false };
  });
  const isEdge = columns.some(({ name }) => name === 'SRC_ID');
  if (!isEdge && !columns.some(({ isPrimary }) => isPrimary)) throw new DbError('InvalidRequest', `${path}: no column identifies a vertex: none of ${names.join(', ')} can be read as name:ID(space)`);
  return { path, label, columns, space, ends: isEdge ? ends : undefined };
}

function ldbcEdge({ path, stem, names, values }: Sampled): FileGuess {
  const label = stem.split('_').length === 3 ? stem.split('_')[1]! : stem;
  const columns = names.map((name, at): Column => (at < 2
    ? { name: at === 0 ? 'SRC_ID' : 'DST_ID', type: 'STRING', isPrimary: false }
    : { name: fieldName(name), type: typeOf(values(at)), isPrimary: false }));
  return { path, label: fieldName(label), columns, space: label, ends: [names[0]!.split('.')[0]!, names[1]!.split('.')[0]!] };
}

const SOURCES = /^(src_id|src|source|from|start)(_?id)?$/i;
const DESTINATIONS = /^(dst_id|dst|destination|target|to|end)(_?id)?$/i;

function plain({ path, stem, names, values }: Sampled): FileGuess {
  const source = names.findIndex((name) => SOURCES.test(name));
  const destination = names.findIndex((name) => DESTINATIONS.test(name));
  const isEdge = source >= 0 && destination >= 0;
  const primary = isEdge ? -1 : primaryOf(names, values);
  if (!isEdge && primary < 0) throw new DbError('InvalidRequest', `${path}: no column identifies a vertex: none is called id, and none has a different value in every row`);
  const columns = names.map((name, at): Column => ({
    name: isEdge && at === source ? 'SRC_ID' : isEdge && at === destination ? 'DST_ID' : fieldName(name), type: typeOf(values(at)), isPrimary: at === primary,
  }));
  // LDBC's edge files name labels as in Comment.id, its vertex files as in comment_0_0.csv.
  const label = fieldName(stem);
  return { path, label, columns, space: stem, ends: isEdge ? ['', ''] : undefined };
}

function primaryOf(names: readonly string[], values: (at: number) => readonly Cell[]): number {
  const called = names.findIndex((name) => name.toLowerCase() === 'id');
  if (called >= 0) return called;
  return names.findIndex((_, at) => {
    const all = values(at);
    return all.length > 0 && all.every((value) => value !== null) && new Set(all).size === all.length;
  });
}

/** The narrowest of a few types that reads all values. */
function typeOf(values: readonly Cell[]): FieldType {
  const texts = values.filter((value): value is string => value !== null);
  if (texts.length === 0) return 'STRING';
  const fits = (type: FieldType, looks: RegExp): boolean => {
    const read = cellReader({ name: '', type, optional: true });
    return texts.every((text) => {
      try {
        return looks.test(text) && read(text) !== undefined;
      } catch {
        return false; // It is another type's.
      }
    });
  };
  // A leading zero is part of a code, not of a number.
  if (fits('INT64', /^[+-]?(0|[1-9]\d*)$/)) return 'INT64';
  if (fits('DOUBLE', /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/) && !texts.some((text) => /^[+-]?0\d/.test(text))) return 'DOUBLE';
  if (fits('BOOL', /^(true|false)$/i)) return 'BOOL';
  if (fits('DATE', /^\d{4}-\d\d-\d\d$/)) return 'DATE';
  if (fits('DATETIME', /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/)) return 'DATETIME';
  return 'STRING';
}

function fieldName(text: string): string {
  const name = text.trim().replace(/[^A-Za-z0-9_\u0080-\u{10FFFF}]/gu, '_');
  return name === '' ? 'column' : /^\d|^(SKIP|SRC_ID|DST_ID)$/.test(name) ? `_${name}` : name;
}
