/**
 * Plan → operators. Expressions are compiled here, and the subqueries inside them planned and built.
 */
import { unreachable } from '../../base/assert.ts';
import type { PlannerContext } from '../plan/planner-context.ts';
import { MatchPlanner } from '../plan/match-planner.ts';
import { buildPatternGraph } from '../plan/pattern-graph.ts';
import { HOPS_MAX } from '../plan/planner-context.ts';
import type { CallSubquery, PlanNode } from '../plan/plan.ts';
import { partablePlan, type PartablePlan } from '../plan/parts.ts';
import { planQuery } from '../plan/query-planner.ts';
import { buildAggregate } from './aggregate.ts';
import { buildLoadCsv, buildProcedureCall } from './call-operators.ts';
import { compileScoped, type CompileContext } from './compile.ts';
import { buildProduct } from './join.ts';
import { buildRelationshipSeek } from './lookup.ts';
import { buildEndpoints, buildExpand, buildPath } from './expand-operators.ts';
import { buildPathSearch } from './path-search.ts';
import { buildParallel, type PartableOperator } from './parallel.ts';
import type { Profile } from './profile.ts';
import { buildRepeat } from './repeat.ts';
import {
  buildArgument, buildCallSubquery, buildDistinct, buildFilter, buildLimit, buildOptional, buildProject, buildSkip,
  buildStoredCount, buildStoredTypes, buildUnion, buildUnwind,
} from './row-operators.ts';
import { rowCounter } from './ids.ts';
import { pusher } from './push.ts';
import type { Evaluate, Operator } from './runtime.ts';
import { buildScan } from './scan-operators.ts';
import { buildShortestPath } from './shortest-path.ts';
import { buildSort } from './sort.ts';
import { buildCreate, buildDelete, buildDrain, buildEager, buildForeach, buildMerge, buildRemove, buildSet } from './update-operators.ts';
import { buildVarExpand } from './var-expand.ts';

/** The parts of a statement with CALL { } IN TRANSACTIONS: what comes before, and what runs in each transaction. */
export interface BatchedParts {
  readonly node: CallSubquery;
  readonly outer: Operator;
  readonly inner: Operator;
  readonly rows: Evaluate | undefined;
}

export interface BuiltOperators {
  readonly run: Operator;
  /** The aggregation that other threads may take parts of. */
  readonly partable: PartableOperator | undefined;
  readonly batched: BatchedParts | undefined;
}

export function buildOperators(plan: PlanNode, planner: PlannerContext, profile: Profile | undefined): BuiltOperators {
  const builder = new Builder(planner, profile);
  builder.partablePlan = profile === undefined ? partablePlan(plan) : undefined;
  const run = builder.build(plan);
  return { run, batched: builder.batched, partable: builder.partable };
}

class Builder {
  readonly #planner: PlannerContext;
  #profile: Profile | undefined;
  readonly #cc: CompileContext;
  batched: BatchedParts | undefined;
  partablePlan: PartablePlan | undefined;
  partable: PartableOperator | undefined;

  constructor(planner: PlannerContext, profile: Profile | undefined) {
    this.#planner = planner;
    this.#profile = profile;
    this.#cc = {
      catalog: planner.stats.catalog,
      query: (query, env) => {
        const planned = planQuery(planner, query, env);
        const run = this.#unmeasured(planned.plan);
        return { run, push: pusher(run), count: rowCounter(run) };
      },
      pattern: (pattern, where, env) => {
        const graph = buildPatternGraph([pattern], where, planner, planner.limits.hopsMax ?? HOPS_MAX);
        const plan = new MatchPlanner(planner, env, graph, { op: 'Argument', env, pass: false, rows: 1 }).run();
        const run = this.#unmeasured(plan);
        return { run, push: pusher(run), env };
      },
    };
  }

  build(node: PlanNode): Operator {
    const operator = this.#build(node);
    return this.#profile === undefined ? operator : this.#profile.measured(node, operator);
  }

  /** Operators inside an expression: their work is that of the operator it stands in. */
  #unmeasured(node: PlanNode): Operator {
    const profile = this.#profile;
    this.#profile = undefined;
    try {
      return this.build(node);
    } finally {
      this.#profile = profile;
    }
  }

  #maybeParallel(node: PlanNode, serial: Operator): Operator {
    const plan = this.partablePlan;
    const built = plan?.aggregate === node ? buildParallel(serial, plan) : undefined;
    if (built === undefined) return serial;
    this.partable = built.partable;
    return built.operator;
  }

  #build(node: PlanNode): Operator {
    const cc = this.#cc;
    switch (node.op) {
      case 'Argument': return buildArgument(node);
      case 'AllNodes': case 'LabelScan': case 'LabelsScan': case 'IndexSeek': case 'IndexRange': case 'IdSeek': case 'UnionSeek': return buildScan(node, this.build(node.input), cc);
      case 'Expand': return buildExpand(node, this.build(node.input), cc);
      case 'VarExpand': return buildVarExpand(node, this.build(node.input), cc);
      case 'Repeat': return buildRepeat(node, this.build(node.input), cc);
      case 'RelationshipSeek': return buildRelationshipSeek(node, this.build(node.input), cc);
      case 'Endpoints': return buildEndpoints(node, this.build(node.input), cc);
      case 'ShortestPath': return buildShortestPath(node, this.build(node.input), cc);
      case 'PathSearch': return buildPathSearch(node, this.build(node.input), cc);
      case 'BuildPath': return buildPath(node, this.build(node.input));
      case 'Filter': return buildFilter(node, this.build(node.input), cc);
      case 'Project': return buildProject(node, this.build(node.input), cc);
      case 'Aggregate': return this.#maybeParallel(node, buildAggregate(node, this.build(node.input), cc));
      case 'Distinct': return buildDistinct(node, this.build(node.input));
      case 'Sort': return buildSort(node, this.build(node.input), cc);
      case 'Skip': return buildSkip(node, this.build(node.input), cc);
      case 'Limit': return buildLimit(node, this.build(node.input), cc);
      case 'Unwind': return buildUnwind(node, this.build(node.input), cc);
      case 'Optional': return buildOptional(node, this.build(node.input), this.build(node.right));
      case 'Product': return buildProduct(node, this.build(node.input), this.build(node.right), cc);
      case 'CallSubquery': {
        const [outer, inner] = [this.build(node.input), this.build(node.right)];
        const rows = node.inTransactions?.rows;
        if (node.inTransactions !== undefined) this.batched = { node, outer, inner, rows: rows === undefined ? undefined : compileScoped(rows, cc) };
        return buildCallSubquery(node, outer, inner);
      }
      case 'Union': return buildUnion(node, node.inputs.map(({ plan }) => this.build(plan)));
      case 'ProcedureCall': return buildProcedureCall(node, this.build(node.input), cc);
      case 'LoadCsv': return buildLoadCsv(node, this.build(node.input), cc);
      case 'Create': return buildCreate(node, this.build(node.input), cc);
      case 'Merge': return buildMerge(node, this.build(node.input), this.build(node.match), cc);
      case 'Set': return buildSet(node, this.build(node.input), cc);
      case 'Remove': return buildRemove(node, this.build(node.input), cc);
      case 'Delete': return buildDelete(node, this.build(node.input), cc);
      case 'Foreach': return buildForeach(node, this.build(node.input), this.build(node.right), cc);
      case 'Eager': return buildEager(node, this.build(node.input));
      case 'Drain': return buildDrain(this.build(node.input));
      case 'StoredCount': return buildStoredCount(node);
      case 'StoredTypes': return buildStoredTypes(node);
      default: return unreachable(node);
    }
  }
}
