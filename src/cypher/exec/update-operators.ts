/**
 * CREATE, MERGE, SET, REMOVE, DELETE and FOREACH, with their counts.
 */
import { DbError } from '../../base/errors.ts';
import { aTypeName, typeName } from '../../value/format.ts';
import { NodeValue, PathValue, RelationshipValue, type Value } from '../../value/value.ts';
import type { Expression } from '../ast.ts';
import type { Env } from '../plan/env.ts';
import type { Create, Creation, Delete, Eager, Foreach, Merge, Remove, Scoped, SetItems, SetStep } from '../plan/plan.ts';
import { compileScoped, type CompileContext } from './compile.ts';
import { held } from './holding.ts';
import { compile } from './compile.ts';
import { typeError } from './compile-access.ts';
import { propertiesOf } from './compile-collections.ts';
import { labelNames } from './dynamic-labels.ts';
import { nodeIn } from './row-graph.ts';
import { pathOf } from './paths.ts';
import { BATCH_MAX, type Evaluate, type Operator, type Row, type Runtime } from './runtime.ts';

type Step = (row: Row, rt: Runtime) => void;
type PropertyList = (row: Row, rt: Runtime) => [number, Value][];

// ---- CREATE

export function buildCreate(node: Create, input: Operator, cc: CompileContext): Operator {
  const steps = node.creations.map((creation) => compileCreation(creation, cc));
  return function* create(rt, source) {
    for (const batch of input(rt, source)) {
      for (const row of batch) for (const step of steps) step(row, rt);
      rt.checkpoint(batch.length);
      summarizeCreated(rt);
      yield batch;
    }
    summarizeCreated(rt);
  };
}

function summarizeCreated({ stats }: Runtime): void {
  stats.summary = `created ${stats.nodesCreated} vertices, created ${stats.relationshipsCreated} edges.`;
}

function compileCreation(creation: Creation, cc: CompileContext): Step {
  switch (creation.kind) {
    case 'node': {
      const { slot, labels } = creation;
      const properties = compileProperties(creation.properties, cc);
      const names = compileNames(labels, cc);
      return (row, rt) => {
        const { writer, stats } = rt;
        const values = properties(row, rt);
        const given = names(row, rt);
        row[slot] = writer.createNode(given.map((label) => writer.labelId(label)), values);
        stats.nodesCreated++;
        stats.labelsAdded += given.length;
        stats.propertiesSet += values.length;
      };
    }
    case 'relationship': {
      const { slot, from, to } = creation;
      const typeOf = compileType(creation.type, cc);
      const properties = compileProperties(creation.properties, cc);
      return (row, rt) => {
        const start = nodeIn(row[from]!);
        const end = nodeIn(row[to]!);
        const type = typeOf(row, rt);
        if (start === null || end === null) {
          throw new DbError('SemanticError', `MissingNode: a relationship of type ${type} cannot be created: one of its ends is null`, { detail: 'MissingNode' });
        }
        const { writer, stats } = rt;
        const values = properties(row, rt);
        const relationship = writer.createRelationship(writer.typeId(type), start.id, end.id, values);
        if (slot !== undefined) row[slot] = relationship;
        stats.relationshipsCreated++;
        stats.propertiesSet += values.length;
      };
    }
    case 'path': {
      const { slot, parts } = creation;
      return (row) => {
        row[slot] = pathOf(row, parts);
      };
    }
  }
}

/** Each name once. */
function compileNames(labels: readonly (string | Scoped)[], cc: CompileContext): (row: Row, rt: Runtime) => readonly string[] {
  const plain = labels.filter((label) => typeof label === 'string');
  if (plain.length === labels.length) return () => plain;
  const parts = labels.map((label) => (typeof label === 'string' ? () => label : compileScoped(label, cc)));
  return (row, rt) => [...new Set(parts.flatMap((part) => labelNames(part(row, rt))))];
}

function compileType(type: string | Scoped, cc: CompileContext): (row: Row, rt: Runtime) => string {
  if (typeof type === 'string') return () => type;
  const value = compileScoped(type, cc);
  return (row, rt) => {
    const names = labelNames(value(row, rt));
    if (names.length !== 1) throw typeError(`a relationship has exactly one type, not ${names.length}`, 'NoSingleRelationshipType');
    return names[0]!;
  };
}

/** The non-null properties, with their keys as numbers. */
function compileProperties(properties: Scoped | undefined, cc: CompileContext): PropertyList {
  if (properties === undefined) return () => [];
  const { expression, env } = properties;
  if (expression.kind === 'Map') {
    const entries = expression.entries.map(({ key, value }) => ({ key, value: compile(value, env, cc) }));
    return (row, rt) => {
      const list: [number, Value][] = [];
      for (const { key, value } of entries) {
        const made = value(row, rt);
        if (made !== null) list.push([rt.writer.keyId(key), made]);
      }
      return list;
    };
  }
  const map = compile(expression, env, cc);
  return (row, rt) => {
    const value = map(row, rt);
    if (!(value instanceof Map)) throw typeError(`properties are a Map, not ${aTypeName(value)}`);
    const list: [number, Value][] = [];
    for (const [key, made] of value) if (made !== null) list.push([rt.writer.keyId(key), made]);
    return list;
  };
}

// ---- MERGE

export function buildMerge(node: Merge, input: Operator, match: Operator, cc: CompileContext): Operator {
  const create = node.creations.map((creation) => compileCreation(creation, cc));
  const required = node.required.map((value) => compileScoped(value, cc));
  const onCreate = node.onCreate.map((step) => compileSet(step, cc));
  const onMatch = node.onMatch.map((step) => compileSet(step, cc));
  const nodes = node.creations.filter(({ kind }) => kind === 'node').length;
  const relationships = node.creations.filter(({ kind }) => kind === 'relationship').length;
  return function* merge(rt, source) {
    let merged = 0;
    for (const batch of input(rt, source)) {
      const out: Row[] = [];
      for (const row of batch) {
        for (const value of required) {
          if (value(row, rt) === null) {
            throw new DbError('SemanticError', 'MergeReadOwnWrites: cannot merge with a null property value', { detail: 'MergeReadOwnWrites' });
          }
        }
        const found: Row[] = [];
        for (const rows of match(rt, [[row]])) found.push(...rows);
        if (found.length === 0) {
          for (const step of create) step(row, rt);
          for (const step of onCreate) step(row, rt);
          out.push(row);
          merged++;
          continue;
        }
        for (const each of found) {
          const made = row.slice();
          for (const { from, to } of node.found) made[to] = each[from]!;
          for (const step of onMatch) step(made, rt);
          out.push(made);
          merged++;
        }
      }
      rt.checkpoint(out.length);
      rt.stats.summary = `merged ${merged * nodes} vertices, merged ${merged * relationships} edges.`;
      yield out;
    }
  };
}

// ---- SET and REMOVE

export function buildSet(node: SetItems, input: Operator, cc: CompileContext): Operator {
  const steps = node.items.map((item) => compileSet(item, cc));
  return function* set(rt, source) {
    let assignments = 0;
    for (const batch of input(rt, source)) {
      for (const row of batch) for (const step of steps) step(row, rt);
      assignments += batch.length * steps.length;
      rt.checkpoint(batch.length);
      rt.stats.summary = `set ${assignments} properties.`;
      yield batch;
    }
    rt.stats.summary = `set ${assignments} properties.`;
  };
}

export function compileSet({ item, env }: SetStep, cc: CompileContext): Step {
  switch (item.kind) {
    case 'property': {
      const target = compile(item.target, env, cc);
      const key = compileKey(item.key, env, cc);
      const value = compile(item.value, env, cc);
      return (row, rt) => {
        const entity = target(row, rt);
        if (entity === null) return;
        setProperty(rt, entity, key(row, rt), value(row, rt));
      };
    }
    case 'replace':
    case 'merge': {
      const target = compile({ kind: 'Variable', name: item.variable, start: item.start, end: item.end }, env, cc);
      const value = compile(item.value, env, cc);
      const replaces = item.kind === 'replace';
      return (row, rt) => {
        const entity = target(row, rt);
        if (entity === null) return;
        const given = value(row, rt);
        if (given === null) {
          if (!replaces) return;
          throw typeError('a property map is needed, not null');
        }
        // A copy: the source may be the entity itself.
        const properties = [...propertiesOf(given, rt)];
        if (replaces) {
          const kept = new Set(properties.map(([key]) => key));
          for (const key of propertiesOf(entity, rt).keys()) if (!kept.has(key)) setProperty(rt, entity, key, null);
        }
        for (const [key, each] of properties) setProperty(rt, entity, key, each);
      };
    }
    case 'labels': {
      const target = compile({ kind: 'Variable', name: item.variable, start: item.start, end: item.end }, env, cc);
      const labels = item.labels.map((label) => compileKey(label, env, cc));
      return (row, rt) => {
        const node = nodeIn(target(row, rt));
        if (node === null) return;
        for (const label of labels) {
          for (const name of labelNames(label(row, rt))) if (rt.writer.addLabel(node, rt.writer.labelId(name))) rt.stats.labelsAdded++;
        }
      };
    }
  }
}

function compileKey(key: string | Expression, env: Env, cc: CompileContext): Evaluate {
  return typeof key === 'string' ? () => key : compile(key, env, cc);
}

function setProperty(rt: Runtime, entity: Value, key: Value, value: Value): void {
  if (typeof key !== 'string') throw typeError(`a property name is a String, not ${aTypeName(key)}`);
  const { writer, stats } = rt;
  // Removing what is not there counts for nothing, and what no graph ever had needs no number for its name.
  if (value === null && writer.catalog.findKey(key) === undefined) {
    if (entity instanceof NodeValue) writer.nodeLabels(entity);
    return;
  }
  if (entity instanceof NodeValue) {
    const changed = writer.setNodeProperty(entity, writer.keyId(key), value);
    if (changed || value !== null) stats.propertiesSet++;
  } else if (entity instanceof RelationshipValue) {
    const changed = writer.setRelationshipProperty(entity, writer.keyId(key), value);
    if (changed || value !== null) stats.propertiesSet++;
  } else throw typeError(`properties of ${aTypeName(entity)} cannot be set`);
}

export function buildRemove(node: Remove, input: Operator, cc: CompileContext): Operator {
  const steps = node.items.map(({ item, env }): Step => {
    if (item.kind === 'property') {
      const target = compile(item.target, env, cc);
      const key = compileKey(item.key, env, cc);
      return (row, rt) => {
        const entity = target(row, rt);
        if (entity !== null) setProperty(rt, entity, key(row, rt), null);
      };
    }
    const target = compile({ kind: 'Variable', name: item.variable, start: item.start, end: item.end }, env, cc);
    const labels = item.labels.map((label) => compileKey(label, env, cc));
    return (row, rt) => {
      const entity = nodeIn(target(row, rt));
      if (entity === null) return;
      for (const label of labels) {
        for (const name of labelNames(label(row, rt))) {
          const id = rt.writer.catalog.findLabel(name);
          if (id !== undefined && rt.writer.removeLabel(entity, id)) rt.stats.labelsRemoved++;
        }
      }
    };
  });
  return function* remove(rt, source) {
    let assignments = 0;
    for (const batch of input(rt, source)) {
      for (const row of batch) for (const step of steps) step(row, rt);
      assignments += batch.length * steps.length;
      rt.checkpoint(batch.length);
      rt.stats.summary = `set ${assignments} properties.`;
      yield batch;
    }
    rt.stats.summary = `set ${assignments} properties.`;
  };
}

// ---- DELETE

export function buildDelete(node: Delete, input: Operator, cc: CompileContext): Operator {
  const items = node.items.map((item) => compileScoped(item, cc));
  const { detach } = node;
  return function* remove(rt, source) {
    for (const batch of input(rt, source)) {
      for (const row of batch) for (const item of items) deleteValue(rt, item(row, rt), detach);
      rt.checkpoint(batch.length);
      summarizeDeleted(rt);
      yield batch;
    }
    summarizeDeleted(rt);
  };
}

function summarizeDeleted({ stats }: Runtime): void {
  stats.summary = `deleted ${stats.nodesDeleted} vertices, deleted ${stats.relationshipsDeleted} edges.`;
}

function deleteValue(rt: Runtime, value: Value, detach: boolean): void {
  const { writer, stats } = rt;
  if (value === null) return;
  if (value instanceof RelationshipValue) {
    if (writer.deleteRelationship(value)) stats.relationshipsDeleted++;
  } else if (value instanceof NodeValue) {
    // TuGraph's vertices, those of a declared label, always take their edges with them.
    const deleted = writer.deleteNode(value, detach || isDeclared(rt, value));
    if (deleted === undefined) return;
    stats.nodesDeleted += deleted.nodes;
    stats.relationshipsDeleted += deleted.relationships;
  } else if (value instanceof PathValue) {
    for (const relationship of value.relationships) deleteValue(rt, relationship, detach);
    for (const each of value.nodes) deleteValue(rt, each, detach);
  } else if (Array.isArray(value)) {
    rt.tick(value.length);
    for (const item of value) deleteValue(rt, item, detach);
  } else throw typeError(`Type mismatch: expected Node, Path or Relationship but was ${typeName(value)}`);
}

function isDeclared(rt: Runtime, node: NodeValue): boolean {
  const { catalog } = rt.view;
  return catalog.data.schemas.length > 0 && rt.view.nodeExists(node.id)
    && rt.view.nodeLabels(node).some((label) => catalog.vertexSchema(catalog.labelName(label)) !== undefined);
}

// ---- FOREACH and the barriers

export function buildForeach(node: Foreach, input: Operator, body: Operator, cc: CompileContext): Operator {
  const list = compileScoped(node.list, cc);
  const { slot } = node;
  return function* foreach(rt, source) {
    for (const batch of input(rt, source)) {
      for (const row of batch) {
        const items = list(row, rt);
        if (items === null) continue;
        if (!Array.isArray(items)) throw typeError(`FOREACH needs a List, not ${aTypeName(items)}`);
        for (const item of items) {
          row[slot] = item;
          for (const _rows of body(rt, [[row]]));
        }
      }
      rt.checkpoint(batch.length);
      yield batch;
    }
  };
}

export function buildEager(_node: Eager, input: Operator): Operator {
  return held(function* eager(rt, source, holding) {
    const kept: Row[][] = [];
    for (const batch of input(rt, source)) {
      rt.checkpoint(batch.length);
      for (const row of batch) holding.addRow(row);
      const last = kept.at(-1);
      // Small batches are put together: what follows runs better on full ones.
      if (last !== undefined && last.length + batch.length <= BATCH_MAX) last.push(...batch);
      else kept.push(batch.slice());
    }
    yield* kept;
  });
}

export function buildDrain(input: Operator): Operator {
  return function* drain(rt, source) {
    for (const _batch of input(rt, source));
  };
}
