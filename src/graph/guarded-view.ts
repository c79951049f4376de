/**
 * The view of a user from whom fields are kept: what `FieldRules` hides is as if it had never been set, and what they protect is not
 * written. Everything above asks a `GraphView`, so nothing else has to know. Only such users pay for it.
 *
 * A vertex with several labels: one label that hides the field hides it. An index on what is hidden finds nothing, and its catalog does
 * not offer it to the planner; so plans made for such a user are no one else's.
 */
import { DbError } from '../base/errors.ts';
import { NodeValue } from '../value/value.ts';
import type { PackedFloats } from '../value/packed-floats.ts';
import type { CypherMap, RelationshipValue, Value } from '../value/value.ts';
import { GraphCatalog } from './catalog.ts';
import type { ConstraintDef, IndexDef, LabelSchema, VectorIndexSpec, PropertyEntry } from './catalog.ts';
import type { GraphView, GraphWriter, IdBuffer, IndexRange, IntegerRange, TextIndexSpec } from './view.ts';

type Kind = 'vertex' | 'edge';

/** Fields of one graph that a user may not read, or not write. */
export class FieldRules {
  readonly hidden: readonly FieldName[];
  /** Hidden ones and those that may only be read. */
  readonly kept: readonly FieldName[];
  readonly #resolved = new WeakMap<GraphCatalog, Resolved>();

  constructor(hidden: readonly FieldName[], readOnly: readonly FieldName[]) {
    this.hidden = hidden;
    this.kept = [...hidden, ...readOnly];
  }

  mayRead(kind: Kind, label: string, field: string): boolean {
    return !this.hidden.some((one) => one.kind === kind && one.label === label && one.field === field);
  }

  mayWrite(kind: Kind, label: string, field: string): boolean {
    return !this.kept.some((one) => one.kind === kind && one.label === label && one.field === field);
  }

  /** The rules in the numbers of a catalog, which lives as long as they are used with it. */
  in(catalog: GraphCatalog): Resolved {
    let resolved = this.#resolved.get(catalog);
    if (resolved === undefined) this.#resolved.set(catalog, resolved = new Resolved(this, catalog));
    return resolved;
  }
}

export interface FieldName {
  readonly kind: Kind;
  readonly label: string;
  readonly field: string;
}

/** For each key the labels or types that keep it. */
type ByKey = ReadonlyMap<number, readonly number[]>;
const NONE: readonly number[] = [];

class Resolved {
  readonly hidden: Readonly<Record<Kind, ByKey>>;
  readonly kept: Readonly<Record<Kind, ByKey>>;
  /** Without the indexes that would find by what is hidden. */
  readonly catalog: GraphCatalog;
  /** Unique indexes that take in something hidden: their errors would tell it. */
  readonly telling: readonly IndexDef[];

  constructor(rules: FieldRules, catalog: GraphCatalog) {
    this.hidden = { vertex: byKey(catalog, rules.hidden, 'vertex'), edge: byKey(catalog, rules.hidden, 'edge') };
    this.kept = { vertex: byKey(catalog, rules.kept, 'vertex'), edge: byKey(catalog, rules.kept, 'edge') };
    this.catalog = new GraphCatalog(catalog.data, catalog.strict, (index) => !this.hides(index));
    this.telling = catalog.data.indexes.filter((index) => (index.unique || index.pairUnique) && index.keyIds.some((key) => this.hidden[index.kind].has(key)));
  }

  /** Whether a field of the index is hidden in the label that it is of. */
  hides(index: IndexDef): boolean {
    return index.keyIds.some((key) => this.hidden[index.kind].get(key)?.includes(index.labelId) === true);
  }
}

function byKey(catalog: GraphCatalog, fields: readonly FieldName[], kind: Kind): ByKey {
  const map = new Map<number, number[]>();
  for (const { kind: of, label, field } of fields) {
    const key = catalog.findKey(field);
    const labelId = kind === 'vertex' ? catalog.findLabel(label) : catalog.findType(label);
    if (of !== kind || key === undefined || labelId === undefined) continue;
    const labels = map.get(key);
    if (labels === undefined) map.set(key, [labelId]);
    else labels.push(labelId);
  }
  return map;
}

/** The view by the rules: methods of `Guard` instead of its own, or itself where there are no rules. */
export function guardedView<View extends GraphView>(view: View, rules: FieldRules | undefined): View {
  if (rules === undefined) return view;
  const guard = 'createNode' in view ? new WritingGuard(view as unknown as GraphWriter, rules) : new Guard(view, rules);
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(view, {
    get(target, name) {
      if (name === 'catalog') return guard.rules.catalog;
      let method = methods.get(name);
      if (method !== undefined) return method;
      // The view itself as receiver: it has private fields.
      const own: unknown = Reflect.get(target, name, target);
      if (typeof own !== 'function') return own;
      const guarded: unknown = Reflect.get(guard, name);
      method = typeof guarded === 'function' ? guarded.bind(guard) : own.bind(target);
      methods.set(name, method);
      return method;
    },
  });
}

type Reads = Pick<GraphView, 'nodeProperty' | 'relationshipProperty' | 'nodeVector' | 'relationshipVector' | 'nodeProperties' | 'relationshipProperties' | 'indexSeek' | 'indexRange' | 'narrowByInteger' | 'integersOf' | 'countByInteger'>;

class Guard<View extends GraphView = GraphView> implements Reads {
  protected readonly view: View;
  protected readonly fields: FieldRules;
  #catalog: GraphCatalog | undefined;
  #rules: Resolved | undefined;

  constructor(view: View, fields: FieldRules) {
    this.view = view;
    this.fields = fields;
  }

  /** A transaction gets another catalog with each new name. */
  get rules(): Resolved {
    const { catalog } = this.view;
    if (this.#rules === undefined || this.#catalog !== catalog) {
      this.#catalog = catalog;
      this.#rules = this.fields.in(catalog);
    }
    return this.#rules;
  }

  isHiddenAt(node: NodeValue, keyId: number): boolean {
    const labels = this.rules.hidden.vertex.get(keyId);
    return labels !== undefined && labels.some((label) => this.view.hasLabel(node, label));
  }

  nodeProperty(node: NodeValue, keyId: number): Value {
    return this.isHiddenAt(node, keyId) ? null : this.view.nodeProperty(node, keyId);
  }

  relationshipProperty(relationship: RelationshipValue, keyId: number): Value {
    const value = this.view.relationshipProperty(relationship, keyId);
    return this.rules.hidden.edge.get(keyId)?.includes(relationship.typeId) === true ? null : value;
  }

  nodeVector(id: number, keyId: number): PackedFloats | undefined {
    return this.isHiddenAt(new NodeValue(id), keyId) ? undefined : this.view.nodeVector(id, keyId);
  }

  relationshipVector(id: number, keyId: number): PackedFloats | undefined {
    const types = this.rules.hidden.edge.get(keyId);
    const isHidden = types !== undefined && types.includes(this.view.findRelationship(id)?.typeId ?? -1);
    return isHidden ? undefined : this.view.relationshipVector(id, keyId);
  }

  nodeProperties(node: NodeValue): CypherMap {
    const map = this.view.nodeProperties(node);
    for (const key of this.rules.hidden.vertex.keys()) if (this.isHiddenAt(node, key)) map.delete(this.view.catalog.keyName(key));
    return map;
  }

  relationshipProperties(relationship: RelationshipValue): CypherMap {
    const map = this.view.relationshipProperties(relationship);
    for (const [key, types] of this.rules.hidden.edge) if (types.includes(relationship.typeId)) map.delete(this.view.catalog.keyName(key));
    return map;
  }

  indexSeek(index: IndexDef, values: readonly Value[]): ArrayLike<number> {
    return this.rules.hides(index) ? NONE : this.#findable(index, this.view.indexSeek(index, values));
  }

  *indexRange(index: IndexDef, range: IndexRange): Generator<ArrayLike<number>> {
    if (this.rules.hides(index)) return;
    for (const ids of this.view.indexRange(index, range)) yield this.#findable(index, ids);
  }

  narrowByInteger(ids: ArrayLike<number>, from: number, to: number, keyId: number, range: IntegerRange, left: IdBuffer): boolean {
    return !this.rules.hidden.vertex.has(keyId) && this.view.narrowByInteger(ids, from, to, keyId, range, left);
  }

  integersOf(ids: ArrayLike<number>, from: number, to: number, keyId: number, integers: Float64Array): boolean {
    return !this.rules.hidden.vertex.has(keyId) && this.view.integersOf(ids, from, to, keyId, integers);
  }

  countByInteger(...args: Parameters<GraphView['countByInteger']>): number | undefined {
    return this.rules.hidden.vertex.has(args[1]) ? undefined : this.view.countByInteger(...args);
  }

  /** Without vertices for which a second label hides what they were found by. */
  #findable(index: IndexDef, ids: ArrayLike<number>): ArrayLike<number> {
    if (index.kind === 'edge' || !index.keyIds.some((key) => this.rules.hidden.vertex.has(key))) return ids;
    return Array.from(ids).filter((id) => {
      const node = new NodeValue(id);
      return !index.keyIds.some((key) => this.isHiddenAt(node, key));
    });
  }
}

type Writes = Pick<GraphWriter,
'createNode' | 'createRelationship' | 'setNodeProperty' | 'setRelationshipProperty' | 'addLabel' | 'removeLabel' | 'checkStatement'
| 'replaceSchema' | 'createIndex' | 'createText' | 'createVectorIndex' | 'createConstraint'>;

/** What it refuses is `Forbidden`. Deleting vertices and edges as a whole is not its business, nor is a whole label with all it has. */
class WritingGuard extends Guard<GraphWriter> implements Writes {
  /** A label was given to a vertex that hides a value, and may have it in an index that hides none. */
  #tellsNothing = false;

  createNode(labelIds: readonly number[], properties: Iterable<PropertyEntry>): NodeValue {
    const entries = [...properties];
    for (const [key, value] of entries) if (value !== null) this.#checkWrite('vertex', labelIds, key);
    return this.#untold('vertex', () => this.view.createNode(labelIds, entries));
  }

  createRelationship(typeId: number, start: number, end: number, properties: Iterable<PropertyEntry>): RelationshipValue {
    const entries = [...properties];
    for (const [key, value] of entries) if (value !== null) this.#checkWrite('edge', [typeId], key);
    return this.#untold('edge', () => this.view.createRelationship(typeId, start, end, entries));
  }

  setNodeProperty(node: NodeValue, keyId: number, value: Value): boolean {
    if (this.rules.kept.vertex.has(keyId)) this.#checkWrite('vertex', this.view.nodeLabels(node), keyId);
    return this.#untold('vertex', () => this.view.setNodeProperty(node, keyId, value));
  }

  setRelationshipProperty(relationship: RelationshipValue, keyId: number, value: Value): boolean {
    this.#checkWrite('edge', [relationship.typeId], keyId);
    return this.#untold('edge', () => this.view.setRelationshipProperty(relationship, keyId, value));
  }

  /** The label would get the fields that the vertex has. */
  addLabel(node: NodeValue, labelId: number): boolean {
    if (this.view.hasLabel(node, labelId)) return false;
    for (const [key, labels] of this.rules.kept.vertex) {
      if (labels.includes(labelId) && this.nodeProperty(node, key) !== null) this.#checkWrite('vertex', [labelId], key);
    }
    const add = () => this.view.addLabel(node, labelId);
    if (!this.#hidesAny(node)) return this.#untold('vertex', add);
    this.#tellsNothing = true;
    return untold(add);
  }

  /** Without the label the vertex would show what it hides, and a field that may only be read could be written and come back. */
  removeLabel(node: NodeValue, labelId: number): boolean {
    if (!this.view.hasLabel(node, labelId)) return false;
    for (const [key, labels] of this.rules.kept.vertex) {
      if (!labels.includes(labelId)) continue;
      const isHidden = this.rules.hidden.vertex.get(key)?.includes(labelId) === true;
      if (isHidden || this.nodeProperty(node, key) !== null) this.#checkWrite('vertex', [labelId], key);
    }
    return this.view.removeLabel(node, labelId);
  }

  /** Values that were set are compared with the others here. */
  checkStatement(): void {
    const check = () => this.view.checkStatement();
    if (this.#tellsNothing) untold(check);
    else this.#untold(undefined, check);
  }

  replaceSchema(schema: LabelSchema): void {
    const { catalog } = this.view;
    const before = schema.kind === 'vertex' ? catalog.vertexSchema(schema.name) : catalog.edgeSchema(schema.name);
    for (const field of before?.fields ?? []) {
      const after = schema.fields.find(({ name }) => name === field.name);
      if (after === undefined || after.type !== field.type || after.optional !== field.optional) this.#checkNamed(schema.kind, schema.name, [field.name]);
    }
    this.view.replaceSchema(schema);
  }

  // Whether an index can be made, or a constraint, tells what the fields have in them.
  createIndex(index: Parameters<GraphWriter['createIndex']>[0]): void {
    this.#checkReadable(index.kind, [index.label], index.fields);
    this.view.createIndex(index);
  }

  createText(text: TextIndexSpec): void {
    this.#checkReadable(text.kind, text.labels, text.fields);
    this.view.createText(text);
  }

  createVectorIndex(index: VectorIndexSpec): void {
    this.#checkReadable(index.kind, [index.label], [index.field]);
    this.view.createVectorIndex(index);
  }

  createConstraint(constraint: Omit<ConstraintDef, 'id'>): void {
    this.#checkReadable(constraint.kind, [constraint.label], constraint.fields);
    this.view.createConstraint(constraint);
  }

  #checkWrite(kind: Kind, labelIds: readonly number[], keyId: number): void {
    const label = this.rules.kept[kind].get(keyId)?.find((id) => labelIds.includes(id));
    if (label === undefined) return;
    const { catalog } = this.view;
    throw refused('write', kind, kind === 'vertex' ? catalog.labelName(label) : catalog.typeName(label), catalog.keyName(keyId));
  }

  #checkNamed(kind: Kind, label: string, fields: readonly string[]): void {
    for (const field of fields) if (!this.fields.mayWrite(kind, label, field)) throw refused('write', kind, label, field);
  }

  #checkReadable(kind: Kind, labels: readonly string[], fields: readonly string[]): void {
    for (const label of labels) for (const field of fields) if (!this.fields.mayRead(kind, label, field)) throw refused('read', kind, label, field);
  }

  #hidesAny(node: NodeValue): boolean {
    return [...this.rules.hidden.vertex.keys()].some((key) => this.isHiddenAt(node, key));
  }

  /** Errors of unique indexes have values in them, of all fields of the index. */
  #untold<T>(kind: Kind | undefined, change: () => T): T {
    return this.rules.telling.some((index) => kind === undefined || index.kind === kind) ? untold(change) : change();
  }
}

function untold<T>(change: () => T): T {
  try {
    return change();
  } catch (error) {
    if (!(error instanceof DbError) || error.code !== 'ConstraintValidation') throw error;
    throw new DbError('ConstraintValidation', 'the change does not fit a rule that takes in fields which this user may not read; they are not named');
  }
}

function refused(what: 'read' | 'write', kind: Kind, label: string, field: string): DbError {
  return new DbError('Forbidden', `No ${what} permission on the field ${field} of the ${kind} label ${label}.`, {
    hint: 'CALL dbms.security.modRoleFieldAccessLevel(...) gives it, called by an admin',
  });
}
