/**
 * Procedures that Neo4j's tools ask for: is it there, are indexes ready, which properties do nodes and relationships have.
 */
import { DbError } from '../../base/errors.ts';
import { typeName } from '../../value/format.ts';
import { NodeValue, type CypherMap, type Value } from '../../value/value.ts';
import type { ExecContext } from '../context.ts';
import { builtin, text, type Builtin } from './define.ts';

/** What Neo4j calls the types of properties. */
const NEO4J_TYPES: Readonly<Record<string, string>> = {
  BOOLEAN: 'Boolean', INTEGER: 'Long', FLOAT: 'Double', STRING: 'String', BYTES: 'ByteArray', POINT: 'Point', DURATION: 'Duration', DATE: 'Date',
  'LOCAL TIME': 'LocalTime', 'ZONED TIME': 'Time', 'LOCAL DATETIME': 'LocalDateTime', 'ZONED DATETIME': 'DateTime',
};

function typeOf(value: Value): string {
  if (!Array.isArray(value)) return NEO4J_TYPES[typeName(value)] ?? 'Any';
  const items = new Set(value.map(typeOf));
  return `${items.size === 1 ? [...items][0]! : 'Any'}Array`;
}

/** What the elements of one kind have: how many there are, and for each property its types and how often it is there. */
class Kind {
  #count = 0;
  readonly #properties = new Map<string, { readonly types: Set<string>; count: number }>();

  add(properties: CypherMap): void {
    this.#count++;
    for (const [key, value] of properties) {
      let known = this.#properties.get(key);
      if (known === undefined) this.#properties.set(key, known = { types: new Set(), count: 0 });
      known.types.add(typeOf(value));
      known.count++;
    }
  }

  /** Name, types, whether every element has it; one row of nulls where none has any. */
  rows(): Value[][] {
    if (this.#properties.size === 0) return [[null, null, false]];
    return [...this.#properties].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { types, count }]) => [name, [...types].sort(), count === this.#count]);
  }
}

const quoted = (name: string): string => `:\`${name.replaceAll('`', '``')}\``;

function nodeTypeProperties(context: ExecContext): Value[][] {
  const { view } = context;
  const kinds = new Map<string, { readonly labels: string[]; readonly kind: Kind }>();
  for (const ids of view.scanNodes()) {
    context.checkpoint(0);
    for (let i = 0; i < ids.length; i++) {
      const node = new NodeValue(ids[i]!);
      const labels = view.nodeLabels(node).map((label) => view.catalog.labelName(label)).sort();
      const name = labels.map(quoted).join('');
      let known = kinds.get(name);
      if (known === undefined) kinds.set(name, known = { labels, kind: new Kind() });
      known.kind.add(view.nodeProperties(node));
    }
  }
  return [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, { labels, kind }]) => kind.rows().map((row) => [name, labels, ...row]));
}

function relTypeProperties(context: ExecContext): Value[][] {
  const { view } = context;
  return view.catalog.data.types.map((name, id) => ({ name, id })).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap(({ name, id }) => {
    if (view.relationshipCount(id) === 0) return [];
    const kind = new Kind();
    for (const ids of view.scanRelationships(id)) {
      context.checkpoint(0);
      for (let i = 0; i < ids.length; i++) kind.add(view.relationshipProperties(view.findRelationship(ids[i]!)!));
    }
    return kind.rows().map((row) => [quoted(name), ...row]);
  });
}

export const NEO4J_BUILTINS: readonly Builtin[] = [
  builtin('db.ping', '', 'success:BOOLEAN', 'read', () => [[true]]),
  builtin('db.info', '', 'id:STRING, name:STRING', 'read', (_args, { view }) => [[view.graphName, view.graphName]]),
  // An index is complete when the statement that makes it is: there is nothing to wait for.
  builtin('db.awaitIndexes', 'timeOutSeconds?:INTEGER', '', 'read', () => []),
  builtin('db.awaitIndex', 'indexName:STRING, timeOutSeconds?:INTEGER', '', 'read', ([name], { view }) => {
    const wanted = text(name, 'indexName');
    const { catalog } = view;
    if (catalog.findText(wanted) === undefined && !catalog.data.indexes.some((index) => index.name === wanted)) throw new DbError('IndexNotFound', `there is no index ${wanted}`);
    return [];
  }),
  builtin('db.schema.nodeTypeProperties', '', 'nodeType:STRING, nodeLabels:LIST, propertyName:STRING, propertyTypes:LIST, mandatory:BOOLEAN', 'read',
    (_args, context) => nodeTypeProperties(context)),
  builtin('db.schema.relTypeProperties', '', 'relType:STRING, propertyName:STRING, propertyTypes:LIST, mandatory:BOOLEAN', 'read',
    (_args, context) => relTypeProperties(context)),
];
