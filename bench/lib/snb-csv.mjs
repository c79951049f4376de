/**
 * An LDBC SNB data set of the kit as CSV files that a loader of one label for each vertex takes as they are: one file for each label (`Person.csv`),
 * and one for each type and pair of labels (`LIKES.Person.Post.csv`), with `|` between the fields, a header, and lists as texts with `;`.
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export const DELIMITER = '|';
const TYPES = { L: 'INT64', I: 'INT64', S: 'STRING', A: 'STRING' };
const LINES_AT_ONCE = 20_000;

/** What the kit knows of the data: imported from its folder. */
export async function loadKit(kit) {
  const of = (name) => import(pathToFileURL(join(resolve(kit), 'lib', name)).href);
  return { ...(await of('dataset.mjs')), ...(await of('load.mjs')) };
}

/** Writes the files into `folder`; gives what they hold, with how many rows. */
export async function writeCsv(kit, data, folder) {
  const { NODES, EDGES, csvBatches, csvPath, subLabels, endPairs } = kit;
  mkdirSync(folder, { recursive: true });
  const files = new Map();
  const file = (name, columns, more) => {
    const known = files.get(name);
    if (known !== undefined) return known;
    const path = join(folder, `${name}.csv`);
    const made = { path, columns, rows: 0, ...more, descriptor: openSync(path, 'w'), lines: [columns.map(({ name: column }) => column).join(DELIMITER)] };
    files.set(name, made);
    return made;
  };
  const subs = await subLabels(data);
  for (const { file: source, label, cols, sub } of NODES) {
    const all = cols.map((each) => each.split(':'));
    const kept = all.flatMap(([name], i) => (name === '' ? [] : [i]));
    const labelAt = all.findIndex(([name]) => name === '');
    const columns = kept.map((i) => ({ name: all[i][0], type: TYPES[all[i][1]] }));
    for await (const rows of csvBatches(csvPath(data, source))) {
      for (const row of rows) {
        const own = sub === undefined ? label : sub[row[labelAt]];
        add(file(own, columns, { kind: 'vertex', label: own }), kept.map((i) => row[i]).join(DELIMITER));
      }
    }
  }
  for (const edge of EDGES) {
    const pairs = endPairs(edge);
    const columns = [{ name: 'a' }, { name: 'b' }, ...(edge.prop === undefined ? [] : [{ name: edge.prop, type: TYPES[edge.ptype] }])];
    for await (const rows of csvBatches(csvPath(data, edge.file))) {
      for (const row of rows) {
        const [from, to] = pairs.length === 1 ? pairs[0] : [subs[edge.from]?.get(row[0]) ?? edge.from, subs[edge.to]?.get(row[1]) ?? edge.to];
        add(file(`${edge.type}.${from}.${to}`, columns, { kind: 'edge', label: edge.type, from, to }), row.join(DELIMITER));
      }
    }
  }
  return [...files.values()].map(({ descriptor, lines, ...rest }) => {
    flush({ descriptor, lines });
    closeSync(descriptor);
    return rest;
  });
}

function add(file, line) {
  file.lines.push(line);
  file.rows++;
  if (file.lines.length >= LINES_AT_ONCE) flush(file);
}

function flush(file) {
  if (file.lines.length > 0) writeSync(file.descriptor, `${file.lines.join('\n')}\n`);
  file.lines.length = 0;
}

/** The files as a configuration of lgraph_import. */
export function importConfig(files) {
  const vertices = files.filter(({ kind }) => kind === 'vertex');
  const edges = files.filter(({ kind }) => kind === 'edge');
  const properties = (columns) => columns.filter(({ type }) => type !== undefined).map((column) => ({ ...column, ...(column.name === 'id' ? {} : { optional: true }) }));
  const types = [...new Set(edges.map(({ label }) => label))];
  return {
    schema: [
      ...vertices.map(({ label, columns }) => ({ label, type: 'VERTEX', primary: 'id', properties: properties(columns) })),
      ...types.map((type) => {
        const own = edges.filter(({ label }) => label === type);
        return { label: type, type: 'EDGE', constraints: own.map(({ from, to }) => [from, to]), properties: properties(own[0].columns) };
      }),
    ],
    files: files.map(({ path, kind, label, columns, from, to }) => ({
      path, format: 'CSV', header: 1, label,
      ...(kind === 'vertex' ? { columns: columns.map(({ name }) => name) } : { SRC_ID: from, DST_ID: to, columns: ['SRC_ID', 'DST_ID', ...columns.slice(2).map(({ name }) => name)] }),
    })),
  };
}

/** The files as statements of Ladybug: tables, then a COPY for each file. */
export function ladybugStatements(kit, files) {
  // The kit's tables, with lists as the texts that the files hold.
  const tables = kit.DIALECTS.ladybug().map((text) => text.replaceAll('STRING[]', 'STRING'));
  const copies = files.map(({ path, label, kind, from, to }) => `COPY ${label} FROM '${path}' (${kind === 'edge' ? `FROM='${from}', TO='${to}', ` : ''}DELIM='${DELIMITER}', HEADER=true)`);
  return [...tables, ...copies];
}
