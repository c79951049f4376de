/**
 * Grouping and aggregation. Groups come out in the order in which they were first seen, also where they did not fit in memory.
 */
import type { Aggregate, Scoped } from '../plan/plan.ts';
import { stateMaker } from './aggregate-states.ts';
import { compileScoped, type CompileContext } from './compile.ts';
import { buildCountedGroups } from './counted-groups.ts';
import { DistinctProperty, type PropertyOfNode } from './distinct-property.ts';
import { GroupFinder, joinedKey, partOfKey } from './group-table.ts';
import { addRow, groupEntries, type Group, type NumberedGroup } from './groups.ts';
import { ENTRY_BYTES, held } from './holding.ts';
import { certainSlots, countOf, idsOf, rowCounter, type PushIds } from './ids.ts';
import { countPartials } from './partial-counts.ts';
import { groupPartials, withPartials, type BeginPartial } from './partial-groups.ts';
import { pusher } from './push.ts';
import { batched, nullRow, type Operator, type Row } from './runtime.ts';
import { SpillArea } from './spill.ts';
import { SpilledTable } from './spilled-table.ts';
import { Visited } from './visited.ts';

/** The slot of the one node that all keys are computed from: it or properties of it. */
function nodeOfKeys(node: Aggregate): number | undefined {
  let slot: number | undefined;
  for (const { expression, env } of node.keys) {
    const target = expression.kind === 'Property' ? expression.target : expression;
    if (target.kind !== 'Variable' || env.type(target.name).kind !== 'node') return undefined;
    const own = env.slot(target.name);
    if (own === undefined || (slot !== undefined && slot !== own)) return undefined;
    slot = own;
  }
  return slot;
}

/** The number of the key, where the expression is a property of a variable. */
function propertyKeyOf({ expression }: Scoped, cc: CompileContext): number | undefined {
  return expression.kind === 'Property' && expression.target.kind === 'Variable' ? cc.catalog.findKey(expression.key) : undefined;
}

/** Rows, nodes, each once, or the values of a property of the nodes, each once. */
type Counting = 'rows' | 'ids' | PropertyOfNode;
/** Of a node that was counted: the stamp and the value of `Visited`, or its entry there. */
const SEEN_BYTES = 16;

/**
 * How the aggregates come from the ids of one node of each row: all count rows or what is in each row, or (`slot`) that node or a property of it, each once.
 * Undefined: the rows are needed.
 */
function countings(node: Aggregate, slot: number | undefined, cc: CompileContext): readonly Counting[] | undefined {
  const certain = certainSlots(node.input);
  const found: Counting[] = [];
  for (const { function: name, distinct, args: [arg] } of node.aggregates) {
    if (name !== 'count') return undefined;
    const own = arg?.expression.kind === 'Variable' ? arg.env.slot(arg.expression.name) : undefined;
    if (arg === undefined || (!distinct && own !== undefined && certain.includes(own))) found.push('rows');
    else if (distinct && own !== undefined && own === slot) found.push('ids');
    else {
      const { expression, env } = arg;
      const keyId = propertyKeyOf(arg, cc);
      const isOwn = expression.kind === 'Property' && expression.target.kind === 'Variable' && env.type(expression.target.name).kind === 'node' && env.slot(expression.target.name) === slot;
      if (!distinct || slot === undefined || keyId === undefined || !isOwn) return undefined;
      found.push({ keyId, value: compileScoped(arg, cc), slot, width: env.layout.width });
    }
  }
  return found;
}

/** Without keys: only how many rows there are, and how many nodes or values of a property. */
function buildCounts(node: Aggregate, input: Operator, push: PushIds, of: readonly Counting[], others: BeginPartial): Operator {
  const countRows = rowCounter(input);
  const nodes = of.includes('ids');
  const properties = of.filter((each) => typeof each === 'object');
  const looks = nodes || properties.length > 0;
  const counts = held(function* counts(rt, source, holding) {
    let rows = 0;
    let distinct = 0;
    const values = new Map(properties.map((each) => [each, new DistinctProperty(each, rt, holding)]));
    if (!looks) rows = countRows(rt, source);
    else {
      const seen = nodes ? Visited.take() : undefined;
      try {
        push(rt, source, (ids, from, to) => {
          rows += to - from;
          if (seen !== undefined) {
            const more = seen.count(ids, from, to);
            distinct += more;
            holding.add(more * SEEN_BYTES);
          }
          for (const each of values.values()) each.take(ids, from, to);
        });
      } finally {
        seen?.release();
      }
    }
    rt.checkpoint(1);
    const row = nullRow(node.env.layout.width);
    for (const [i, { slot }] of node.aggregates.entries()) row[slot] = of[i] === 'rows' ? rows : of[i] === 'ids' ? distinct : values.get(of[i]!)!.size;
    yield [row];
  });
  if (countOf(input)?.isLong === false && !looks) return counts;
  return withPartials(counts, properties.length > 0 ? others : countPartials(node, of.map((each) => each === 'rows'), push, countRows));
}

export function buildAggregate(node: Aggregate, input: Operator, cc: CompileContext): Operator {
  const groups = buildGroups(node, input, cc);
  const { recalled } = node;
  if (recalled === undefined) return groups;
  return function* aggregateOfOne(rt, source) {
    const [asked] = [...source].flat();
    for (const batch of groups(rt, [[asked!]])) {
      for (const row of batch) for (const { from, to } of recalled) row[to] = asked![from]!;
      yield batch;
    }
  };
}

function buildGroups(node: Aggregate, input: Operator, cc: CompileContext): Operator {
  const keys = node.keys.map((key) => ({ slot: key.slot, value: compileScoped(key, cc) }));
  const args = node.aggregates.map((item) => item.args.map((arg) => compileScoped(arg, cc)));
  const makers = node.aggregates.map((item, i) => stateMaker(item, args[i]!));
  const slots = node.aggregates.map(({ slot }) => slot);
  const { layout } = node.env;
  const newGroup = (): Group => ({ row: nullRow(layout.width), states: makers.map((make) => make()) });
  const ownNode = nodeOfKeys(node);
  /** Groups are looked up by the node first, and the keys computed once for each: not worth it where the node is the key. */
  const sole = node.keys.length === 1 && node.keys[0]!.expression.kind === 'Variable' ? undefined : ownNode;
  const pushInput = pusher(input);
  const partials = groupPartials(node, keys, args, sole, pushInput);

  const finish = (group: Group): Row => {
    for (let i = 0; i < slots.length; i++) group.row[slots[i]!] = group.states[i]!.result();
    return group.row;
  };

  if (keys.length === 0) {
    const own = node.input.op === 'Expand' || node.input.op === 'VarExpand' ? node.input.to : 'slot' in node.input ? node.input.slot : undefined;
    const [ids, of] = [idsOf(input), countings(node, own, cc)];
    if (ids !== undefined && of !== undefined) return buildCounts(node, input, ids, of, partials);
    return withPartials(held(function* aggregateAll(rt, source, holding) {
      const group = newGroup();
      pushInput(rt, source, (row) => {
        addRow(group, row, rt, holding);
        return false;
      });
      rt.checkpoint(1);
      yield [finish(group)];
    }), partials);
  }
  /** Where all that matters of a row is which node it has in one slot: rows are counted by node first. */
  const pushIds = ownNode === undefined || countings(node, undefined, cc) === undefined ? undefined : idsOf(input, ownNode);
  if (pushIds !== undefined) return buildCountedGroups({ nodeSlot: ownNode!, keys, firstKeyId: propertyKeyOf(node.keys[0]!, cc), keyWidth: node.keys[0]!.env.layout.width, aggregateSlots: slots, width: layout.width }, pushIds);
  const keySlots = keys.map(({ slot }) => slot);
  /** A row on disk: the keys, then the arguments of all aggregates. */
  const onDisk = [...keys.map(({ value }) => value), ...args.flat()];
  return withPartials(held(function* aggregate(rt, source, holding) {
    const area = new SpillArea(rt);
    let groups: Group[] = [];
    const finder = new GroupFinder<Group>(keys, sole, (values) => {
      const group = newGroup();
      for (let i = 0; i < keys.length; i++) group.row[keys[i]!.slot] = values[i]!;
      keep(group);
      return group;
    });
    let spilled: SpilledTable<NumberedGroup> | undefined;
    let order = 0;
    const keep = (group: Group): void => {
      groups.push(group);
      holding.addRow(group.row);
      holding.add(ENTRY_BYTES + 64 * group.states.length);
    };
    const spill = (): SpilledTable<NumberedGroup> => {
      const kept = function* numbered(): Generator<readonly [string, NumberedGroup]> {
        for (const group of groups) yield [joinedKey(group.row, keySlots), { ...group, order: order++ }];
      };
      const onDiskTable = new SpilledTable(area, groupEntries(node, keySlots, finish, rt), holding, kept());
      groups = [];
      finder.clear();
      holding.free();
      return onDiskTable;
    };
    const toDisk = (row: Row): void => {
      spilled ??= spill();
      const all = onDisk.map((value) => value(row, rt));
      let key = '';
      for (let i = 0; i < keys.length; i++) key += partOfKey(all[i]!);
      spilled.add(key, order++, all);
    };
    const take = (row: Row): boolean => {
      if (spilled !== undefined || holding.pressed) toDisk(row);
      else addRow(finder.of(row, rt), row, rt, holding);
      return false;
    };
    try {
      pushInput(rt, source, take);
      if (spilled !== undefined) yield* batched(rt, (spilled as SpilledTable<NumberedGroup>).results());
      else yield* batched(rt, groups, finish);
    } finally {
      area.close();
    }
  }), partials);
}
