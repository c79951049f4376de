/**
 * Procedures that Neo4j's tools ask for: is it there, are indexes ready, which properties do nodes and relationships have.
 */
import { DbError } from '../../base/errors.ts';
import { treesOfIndex } from '../../graph/vectors/declared-trees.ts';
import type { AdjacencySegment, GraphView } from '../../graph/view.ts';
import { typeName } from '../../value/format.ts';
import { NodeValue, RelationshipValue, type CypherMap, type Value } from '../../value/value.ts';
import type { ExecContext } from '../context.ts';
import { builtin, checkWhole, text, type Builtin } from './define.ts';

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
  const { types } = view.catalog.data;
  const kinds = types.map(() => new Kind());
  for (const ids of view.scanRelationships()) {
    context.checkpoint(0);
    for (let i = 0; i < ids.length; i++) {
      const relationship = view.findRelationship(ids[i]!)!;
      kinds[relationship.typeId]!.add(view.relationshipProperties(relationship));
    }
  }
  const present = types.map((name, id) => ({ name, id })).filter(({ id }) => view.relationshipCount(id) > 0);
  return present.sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap(({ name, id }) => kinds[id]!.rows().map((row) => [quoted(name), ...row]));
}

/** Relationships of a type that are looked at for which labels it joins. */
const SEEN_MAX = 1000;
/** All are looked through for them in a graph of so many; in a larger one, so many nodes of each label are, and so many neighbours of these by each type. */
const SCANNED_MAX = 100_000;
const SAMPLED = 500;
const NEIGHBOURS_MAX = 20;
/** Where the numbers of nodes and relationships that are none begin: far beyond all real ones, and still numbers of blocks. */
const VIRTUAL = 2 ** 46;

/** A node for each label and a relationship for each way in which a type joins two of them, as Neo4j Browser draws a schema. */
function visualization(context: ExecContext): Value[][] {
  const { view } = context;
  const { catalog } = view;
  const nodes = new Map<string, NodeValue>();
  const nodeOf = (label: string): NodeValue => {
    let node = nodes.get(label);
    if (node === undefined) {
      const about: CypherMap = new Map<string, Value>([
        ['name', label],
        ['indexes', catalog.data.indexes.filter((index) => index.kind === 'vertex' && !index.unique && catalog.labelName(index.labelId) === label).map(({ keyIds }) => keyIds.map((key) => catalog.keyName(key)).join(','))],
        ['constraints', catalog.data.constraints.filter((one) => one.kind === 'vertex' && one.label === label).map(({ name }) => name)],
      ]);
      nodes.set(label, node = new NodeValue(VIRTUAL + nodes.size, [label], about));
    }
    return node;
  };
  catalog.data.labels.forEach((label, id) => {
    if (view.nodeCount(id) > 0) nodeOf(label);
  });
  const relationships: RelationshipValue[] = [];
  const joined = endsOfTypes(context);
  catalog.data.types.forEach((type, typeId) => {
    for (const [from, to] of joined[typeId]!.values()) {
      relationships.push(new RelationshipValue(VIRTUAL + relationships.length, typeId, nodeOf(from).id, nodeOf(to).id, type, new Map([['name', type]])));
    }
  });
  return [[[...nodes.values()], relationships]];
}

/** Labels by the relationships that join them: for each type, pairs. */
type Joined = Map<string, [string, string]>[];

/** For each type the pairs of labels that its relationships join: those of the first thousand, or of nodes that are spread over each label where a graph is large. */
function endsOfTypes(context: ExecContext): Joined {
  const { view } = context;
  const { types } = view.catalog.data;
  const pairs: Joined = types.map(() => new Map());
  if (view.relationshipCount() > SCANNED_MAX) sampleEnds(context, pairs);
  // Types that no such node has are rare, or few of very many relationships: all are searched for them.
  const left = types.map((_, typeId) => (pairs[typeId]!.size > 0 ? 0 : Math.min(SEEN_MAX, view.relationshipCount(typeId))));
  scanEnds(context, left, pairs);
  return pairs;
}

function sampleEnds(context: ExecContext, pairs: Joined): void {
  const { view } = context;
  for (const labelId of view.catalog.data.labels.keys()) {
    for (const id of view.sampleNodes(labelId, SAMPLED)) {
      context.checkpoint(1);
      for (const direction of ['out', 'in'] as const) {
        for (const typeId of view.typesAt(id, direction)) {
          const others = firstOf(view.adjacency(id, direction, [typeId]), NEIGHBOURS_MAX);
          for (const other of others) addEnds(view, pairs[typeId]!, direction === 'out' ? id : other, direction === 'out' ? other : id);
        }
      }
    }
  }
}

function firstOf(segments: Iterable<AdjacencySegment>, count: number): number[] {
  const found: number[] = [];
  for (const { neighbours, from, to } of segments) {
    for (let i = from; i < to && found.length < count; i++) found.push(neighbours[i]!);
    if (found.length === count) break;
  }
  return found;
}

/** Looks at all relationships until it has seen as many of each type as are `left`. */
function scanEnds(context: ExecContext, left: number[], pairs: Joined): void {
  const { view } = context;
  let open = left.filter((count) => count > 0).length;
  if (open === 0) return;
  for (const ids of view.scanRelationships()) {
    context.checkpoint(0);
    for (let i = 0; i < ids.length; i++) {
      const { typeId, start, end } = view.findRelationship(ids[i]!)!;
      if (left[typeId] === 0) continue;
      addEnds(view, pairs[typeId]!, start, end);
      if (--left[typeId]! === 0) open--;
    }
    if (open === 0) break;
  }
}

function addEnds(view: GraphView, pairs: Map<string, [string, string]>, start: number, end: number): void {
  const labelsOf = (id: number): string[] => view.nodeLabels(new NodeValue(id)).map((label) => view.catalog.labelName(label));
  for (const from of labelsOf(start)) for (const to of labelsOf(end)) pairs.set(JSON.stringify([from, to]), [from, to]);
}

/** Throws where one of the indexes with such names is being built. */
function checkBuilt(view: GraphView, isMeant: (name: string) => boolean): void {
  const { catalog } = view;
  for (const index of [...catalog.data.indexes, ...catalog.texts]) if (isMeant(index.name)) checkWhole(view, index.name, index, 'nothing is found by it meanwhile');
  for (const index of catalog.vectorIndexes) {
    for (const of of isMeant(index.name) ? treesOfIndex(index) : []) checkWhole(view, index.name, catalog.findVectorTree(of), 'searches by it are right meanwhile, but compare all vectors');
  }
}

export const NEO4J_BUILTINS: readonly Builtin[] = [
  builtin('db.ping', '', 'success:BOOLEAN', 'read', () => [[true]]),
  builtin('db.info', '', 'id:STRING, name:STRING', 'read', (_args, { view }) => [[view.graphName, view.graphName]]),
  builtin('db.awaitIndexes', 'timeOutSeconds?:INTEGER', '', 'read', (_args, { view }) => {
    checkBuilt(view, () => true);
    return [];
  }),
  builtin('db.awaitIndex', 'indexName:STRING, timeOutSeconds?:INTEGER', '', 'read', ([name], { view }) => {
    const wanted = text(name, 'indexName');
    const { catalog } = view;
    if (catalog.findText(wanted) === undefined && ![...catalog.data.indexes, ...catalog.vectorIndexes].some((index) => index.name === wanted)) throw new DbError('IndexNotFound', `there is no index ${wanted}`);
    checkBuilt(view, (one) => one === wanted);
    return [];
  }),
  // Counts are exact and plans follow the catalog by themselves.
  builtin('db.resampleIndex', 'indexName:STRING', '', 'read', () => []),
  builtin('db.resampleOutdatedIndexes', '', '', 'read', () => []),
  builtin('db.prepareForReplanning', 'timeOutSeconds?:INTEGER', '', 'read', () => []),
  builtin('db.clearQueryCaches', '', 'value:STRING', 'read', () => [['Nothing to clear: plans follow the data by themselves.']]),
  builtin('db.schema.visualization', '', 'nodes:LIST, relationships:LIST', 'read', (_args, context) => visualization(context)),
  // Settings of Neo4j Browser itself: it takes its own where there are none.
  builtin('dbms.clientConfig', '', 'name:STRING, description:STRING, value:STRING, dynamic:BOOLEAN', 'read', () => []),
  builtin('dbms.info', '', 'id:STRING, name:STRING, creationDate:STRING', 'read', (_args, { view }) => [[view.graphName, view.graphName, null]]),
  builtin('db.schema.nodeTypeProperties', '', 'nodeType:STRING, nodeLabels:LIST, propertyName:STRING, propertyTypes:LIST, mandatory:BOOLEAN', 'read',
    (_args, context) => nodeTypeProperties(context)),
  builtin('db.schema.relTypeProperties', '', 'relType:STRING, propertyName:STRING, propertyTypes:LIST, mandatory:BOOLEAN', 'read',
    (_args, context) => relTypeProperties(context)),
];
