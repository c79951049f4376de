/** Calls functions by name, with a graph of one relationship behind them. */
import { DbError } from '../../../src/base/errors.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { findAggregate, findFunction } from '../../../src/cypher/functions/index.ts';
import type { FunctionContext } from '../../../src/cypher/functions/index.ts';
import { EMPTY_CATALOG, GraphCatalog } from '../../../src/graph/catalog.ts';
import type { GraphView } from '../../../src/graph/view.ts';
import { Float, NodeValue, RelationshipValue } from '../../../src/value/value.ts';
import type { Value } from '../../../src/value/value.ts';

export const f = (value: number): Float => new Float(value);
export const map = (object: Record<string, Value>): Map<string, Value> => new Map(Object.entries(object));

const catalog = new GraphCatalog({ ...EMPTY_CATALOG, labels: ['Person', 'Dog'], types: ['KNOWS'], keys: ['name'] });
const NAMES = ['Ann', 'Bob'];

function gone(): never {
  throw new DbError('EntityNotFound', 'the node was deleted', { detail: 'DeletedEntityAccess' });
}

// Only what functions may call; the rest of a view is not theirs.
const view = {
  catalog,
  nodeLabels: (node: NodeValue) => (node.id > 1 ? gone() : node.id === 0 ? [0, 1] : [0]),
  nodeProperties: (node: NodeValue) => map({ name: NAMES[node.id] ?? gone() }),
  nodeProperty: (node: NodeValue) => NAMES[node.id] ?? null,
  relationshipProperties: () => map({ since: 2020 }),
  relationshipProperty: () => null,
} as unknown as GraphView;

export const ann = new NodeValue(0);
export const bob = new NodeValue(1);
export const knows = new RelationshipValue(5, 0, 0, 1);

const time = { wallMs: Date.UTC(2024, 1, 29, 12, 30, 15, 123), nanos: 456789 };

export const context: FunctionContext = {
  view, statementTime: time, transactionTime: { wallMs: time.wallMs - 1000 }, timeZone: 'UTC', random: seededRandom(1), listItemsMax: 1000,
};

export function call(name: string, ...args: Value[]): Value {
  const definition = findFunction(name);
  if (definition === undefined) throw new Error(`no function ${name}`);
  if (args.length < definition.minArgs || args.length > definition.maxArgs) throw new Error(`${name} does not take ${args.length} arguments`);
  return definition.call(args, context);
}

export function aggregate(name: string, rows: Value[][]): Value {
  const accumulator = findAggregate(name)!.create();
  for (const row of rows) accumulator.add(row);
  return accumulator.result();
}
