/** Lists and maps with other items. */
import { walk } from '../base/allowance.ts';
import type { CypherMap, Value } from './value.ts';

/** Itself where all items stay the same: most lists and maps are passed on as they are. */
export function mapItems(value: Value[] | CypherMap, other: (item: Value) => Value): Value[] | CypherMap {
  return Array.isArray(value) ? mapList(value, other) : mapMap(value, other);
}

function mapList(list: Value[], other: (item: Value) => Value): Value[] {
  walk(list.length);
  let changed: Value[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const made = other(list[i]!);
    if (changed === undefined && made !== list[i]) changed = list.slice(0, i);
    changed?.push(made);
  }
  return changed ?? list;
}

function mapMap(map: CypherMap, other: (item: Value) => Value): CypherMap {
  walk(map.size);
  let changed: CypherMap | undefined;
  for (const [key, item] of map) {
    const made = other(item);
    if (made !== item) (changed ??= new Map(map)).set(key, made);
  }
  return changed ?? map;
}
