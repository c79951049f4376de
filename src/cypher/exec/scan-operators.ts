/**
 * Operators that give a node its first candidates: all nodes, a label, an index, ids.
 */
import { NodeValue } from '../../value/value.ts';
import type { AllNodes, IdSeek, IndexRangeScan, IndexSeek, LabelScan, LabelsScan, UnionSeek } from '../plan/plan.ts';
import type { CompileContext } from './compile.ts';
import { compileLabels, nodesWith } from './dynamic-labels.ts';
import { withCount, withIds, type PushIds } from './ids.ts';
import { lookup, NONE, type Candidates } from './lookup.ts';
import { compileNarrow, compileRange, Narrowed, type Wanted } from './narrowing.ts';
import { pusher, withWanted, type PushWanted } from './push.ts';
import { compileTests, labelsTest, passes } from './row-tests.ts';
import { BATCH_MAX, BATCH_MIN, type Operator, type Row, type Runtime } from './runtime.ts';

export function buildScan(node: AllNodes | LabelScan | LabelsScan | IndexSeek | IndexRangeScan | IdSeek | UnionSeek, input: Operator, cc: CompileContext): Operator {
  const candidates = candidatesOf(node, cc);
  const hasLabels = labelsTest(node.labels, cc.catalog);
  const tests = compileTests(node.filters, cc);
  const { slot } = node;
  const plain = hasLabels === undefined && tests.length === 0;
  const narrow = compileNarrow(node.filters, slot, cc);
  const left = (found: ArrayLike<number>, row: Row, rt: Runtime, wanted?: Wanted): Narrowed => {
    const narrowed = new Narrowed();
    narrowed.begin(found, 0, found.length);
    wanted?.narrow(narrowed, rt);
    narrow?.(narrowed, row, rt);
    return narrowed;
  };
  const pushInput = pusher(input);
  const push: PushWanted = (rt, source, sink, wanted) => pushInput(rt, source, (row) => {
    for (const found of candidates(row, rt)) {
      const { ids, from, to, decided } = left(found, row, rt, wanted);
      for (let i = from; i < to; i++) {
        const value = new NodeValue(ids[i]!);
        if (hasLabels !== undefined && !hasLabels(value, rt)) continue;
        row[slot] = value;
        if (tests.length > decided && !passes(tests, row, rt, decided)) continue;
        if (sink(row)) return true;
      }
      rt.tick(found.length);
    }
    return false;
  });
  /** Those of them that pass. */
  const kept = (found: ArrayLike<number>, row: Row, rt: Runtime): Narrowed => {
    const narrowed = left(found, row, rt);
    narrowed.leavePassing(tests, row, slot, rt, hasLabels);
    return narrowed;
  };
  const pushIds: PushIds = (rt, source, sink) => void pushInput(rt, source, (row) => {
    for (const found of candidates(row, rt)) {
      const { ids, from, to } = kept(found, row, rt);
      sink(ids, from, to);
      rt.tick(found.length);
    }
    return false;
  });
  const operator = withIds(withWanted(function* scan(rt, source) {
    let out: Row[] = [];
    let size = BATCH_MIN;
    for (const batch of input(rt, source)) {
      for (const row of batch) {
        const scratch = plain ? row : row.slice();
        for (const found of candidates(row, rt)) {
          const { ids, from, to, decided } = left(found, row, rt);
          for (let i = from; i < to; i++) {
            const value = new NodeValue(ids[i]!);
            if (!plain) {
              if (hasLabels !== undefined && !hasLabels(value, rt)) continue;
              scratch[slot] = value;
              if (tests.length > decided && !passes(tests, scratch, rt, decided)) continue;
            }
            const made = scratch.slice();
            made[slot] = value;
            out.push(made);
            if (out.length >= size) {
              rt.checkpoint(out.length);
              yield out;
              out = [];
              size = Math.min(size * 4, BATCH_MAX);
            }
          }
          rt.tick(found.length);
        }
      }
    }
    if (out.length > 0) {
      rt.checkpoint(out.length);
      yield out;
    }
  }, slot, push), slot, pushIds);
  const range = hasLabels === undefined ? compileRange(node.filters, slot, cc) : undefined;
  if (node.op !== 'LabelScan' || range === undefined) return operator;
  const { label } = node;
  return withCount(operator, (rt, source) => {
    let count = 0;
    pushInput(rt, source, (row) => {
      const add = (found: ArrayLike<number>): void => {
        const { from, to } = kept(found, row, rt);
        count += to - from;
        rt.tick(found.length);
      };
      const [labelId, wanted] = [rt.view.catalog.findLabel(label), range.range(row, rt)];
      const known = labelId === undefined || wanted === undefined ? undefined : rt.view.countByInteger(labelId, range.keyId, ...wanted, add, (nodes) => rt.tick(nodes));
      if (known !== undefined) count += known;
      else for (const found of candidates(row, rt)) add(found);
      return false;
    });
    return count;
  });
}

function candidatesOf(node: AllNodes | LabelScan | LabelsScan | IndexSeek | IndexRangeScan | IdSeek | UnionSeek, cc: CompileContext): Candidates {
  switch (node.op) {
    case 'AllNodes': return (_row, rt) => (rt.part?.leaf === node ? rt.part.ids(undefined) : rt.view.scanNodes());
    case 'LabelScan': {
      const { label } = node;
      return (_row, rt) => {
        const id = rt.view.catalog.findLabel(label);
        if (id === undefined) return NONE;
        return rt.part?.leaf === node ? rt.part.ids(id) : rt.view.scanNodes(id);
      };
    }
    case 'LabelsScan': {
      const labels = compileLabels(node.expression, node.env, cc);
      return (row, rt) => nodesWith(labels(row, rt), rt);
    }
    case 'IdSeek': case 'UnionSeek': {
      const named = lookup(node, cc);
      return (row, rt) => Array.from(named(row, rt), (ids) => Array.from(ids).filter((id) => rt.view.nodeExists(id)));
    }
    case 'IndexSeek': case 'IndexRange': return lookup(node, cc);
  }
}
