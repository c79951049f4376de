/**
 * The syntax tree: plain readonly data. Every node has a `kind` and the half-open span `[start, end)` of its source text.
 *
 * Sugar that means the same is gone after parsing (`<>` chains, `a:B:C`), sugar that shows in a column name is not:
 * projection items keep their text.
 */
import type { Value } from '../value/value.ts';

/** The function that `IS NORMALIZED` calls; no name that a statement can call it by without backticks. */
export const IS_NORMALIZED = 'is normalized';

export interface Span {
  readonly start: number;
  readonly end: number;
}

// ---- expressions

export type BinaryOperator =
  | 'OR' | 'XOR' | 'AND' | '=' | '<>' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | '%' | '^' | '||'
  | 'IN' | 'STARTS WITH' | 'ENDS WITH' | 'CONTAINS' | '=~';

export type Expression =
  | Literal | Parameter | Variable | PropertyAccess | ListLiteral | MapLiteral | Unary | Binary | ComparisonChain | IsNull
  | IsTyped | HasLabels | Index | Slice | Case | FunctionCall | CountStar | ListComprehension | PatternComprehension
  | Quantifier | Reduce | MapProjection | PatternPredicate | ShortestPathExpression | SubqueryExpression;

export interface Literal extends Span {
  readonly kind: 'Literal';
  readonly value: Value;
}
export interface Parameter extends Span {
  readonly kind: 'Parameter';
  readonly name: string;
}
export interface Variable extends Span {
  readonly kind: 'Variable';
  readonly name: string;
}
export interface PropertyAccess extends Span {
  readonly kind: 'Property';
  readonly target: Expression;
  readonly key: string;
}
export interface ListLiteral extends Span {
  readonly kind: 'List';
  readonly items: readonly Expression[];
}
export interface MapEntry {
  readonly key: string;
  readonly value: Expression;
}
export interface MapLiteral extends Span {
  readonly kind: 'Map';
  readonly entries: readonly MapEntry[];
}
export interface Unary extends Span {
  readonly kind: 'Unary';
  readonly op: 'NOT' | '-' | '+';
  readonly operand: Expression;
}
export interface Binary extends Span {
  readonly kind: 'Binary';
  readonly op: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}
/** `a < b <= c`: each operand is evaluated once; at least two operators. */
export interface ComparisonChain extends Span {
  readonly kind: 'Chain';
  readonly operands: readonly Expression[];
  readonly ops: readonly BinaryOperator[];
}
export interface IsNull extends Span {
  readonly kind: 'IsNull';
  readonly operand: Expression;
  readonly negated: boolean;
}
/** `x IS :: INTEGER` */
export interface IsTyped extends Span {
  readonly kind: 'IsTyped';
  readonly operand: Expression;
  readonly type: string;
  readonly negated: boolean;
}
export interface HasLabels extends Span {
  readonly kind: 'HasLabels';
  readonly operand: Expression;
  readonly labels: LabelExpression;
}
export interface Index extends Span {
  readonly kind: 'Index';
  readonly target: Expression;
  readonly index: Expression;
}
export interface Slice extends Span {
  readonly kind: 'Slice';
  readonly target: Expression;
  readonly from: Expression | undefined;
  readonly to: Expression | undefined;
}
export interface Case extends Span {
  readonly kind: 'Case';
  readonly subject: Expression | undefined;
  readonly branches: readonly { readonly when: Expression; readonly then: Expression }[];
  readonly otherwise: Expression | undefined;
}
export interface FunctionCall extends Span {
  readonly kind: 'Call';
  /** As written. */
  readonly name: string;
  readonly distinct: boolean;
  readonly args: readonly Expression[];
}
export interface CountStar extends Span {
  readonly kind: 'CountStar';
}
export interface ListComprehension extends Span {
  readonly kind: 'ListComprehension';
  readonly variable: string;
  readonly list: Expression;
  readonly where: Expression | undefined;
  readonly project: Expression | undefined;
}
export interface PatternComprehension extends Span {
  readonly kind: 'PatternComprehension';
  readonly pattern: PatternPart;
  readonly where: Expression | undefined;
  readonly project: Expression;
}
export interface Quantifier extends Span {
  readonly kind: 'Quantifier';
  readonly type: 'all' | 'any' | 'none' | 'single';
  readonly variable: string;
  readonly list: Expression;
  readonly where: Expression;
}
export interface Reduce extends Span {
  readonly kind: 'Reduce';
  readonly accumulator: string;
  readonly initial: Expression;
  readonly variable: string;
  readonly list: Expression;
  readonly step: Expression;
  /** Of `allReduce`: whether it holds after every step is the result. */
  readonly every?: Expression | undefined;
}
export type MapProjectionItem =
  | { readonly kind: 'all' }
  | { readonly kind: 'property'; readonly key: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'entry'; readonly key: string; readonly value: Expression };
export interface MapProjection extends Span {
  readonly kind: 'MapProjection';
  readonly target: Expression;
  readonly items: readonly MapProjectionItem[];
}
/** A pattern where a boolean is expected: true if it has a match. */
export interface PatternPredicate extends Span {
  readonly kind: 'PatternPredicate';
  readonly pattern: PatternPart;
}
export interface ShortestPathExpression extends Span {
  readonly kind: 'ShortestPath';
  readonly pattern: PatternPart;
}
/** `EXISTS { }`, `COUNT { }`, `COLLECT { }`; a bare pattern inside is a query with one MATCH. */
export interface SubqueryExpression extends Span {
  readonly kind: 'Subquery';
  readonly type: 'exists' | 'count' | 'collect';
  readonly query: Query;
}

// ---- patterns

export type LabelExpression =
  | { readonly kind: 'Label'; readonly name: string; readonly start: number }
  | { readonly kind: 'And'; readonly items: readonly LabelExpression[] }
  | { readonly kind: 'Or'; readonly items: readonly LabelExpression[] }
  | { readonly kind: 'Not'; readonly item: LabelExpression }
  | { readonly kind: 'Any' }
  | DynamicLabels;
/** `$(expression)`, `$all(…)`, `$any(…)`: the names are a value, a text or a list of texts. */
export interface DynamicLabels extends Span {
  readonly kind: 'Dynamic';
  readonly of: 'all' | 'any';
  readonly expression: Expression;
}

export interface NodePattern extends Span {
  readonly kind: 'Node';
  readonly variable: string | undefined;
  readonly labels: LabelExpression | undefined;
  readonly properties: MapLiteral | Parameter | undefined;
  readonly where: Expression | undefined;
}
export interface RelationshipPattern extends Span {
  readonly kind: 'Relationship';
  readonly variable: string | undefined;
  readonly types: LabelExpression | undefined;
  readonly direction: 'out' | 'in' | 'both';
  /** Written `<-->`: as `both` when reading, an error when creating. */
  readonly length: { readonly min: number | undefined; readonly max: number | undefined } | undefined;
  readonly properties: MapLiteral | Parameter | undefined;
  readonly where: Expression | undefined;
  /** A quantified path pattern stands in a relationship's place: `length` counts its repetitions, and it has nothing else of a relationship. */
  readonly repeated?: RepeatedPattern;
}
/** `((a)-[r]->(b) WHERE ...){1,3}`: its variables are single inside and lists outside. */
export interface RepeatedPattern {
  readonly elements: readonly (NodePattern | RelationshipPattern)[];
  readonly where: Expression | undefined;
}
/** `elements`: node, relationship, node, ... */
export interface PatternPart extends Span {
  readonly kind: 'Part';
  readonly variable: string | undefined;
  /** `shortestPath(…)`, `allShortestPaths(…)` */
  readonly shortest: 'one' | 'all' | undefined;
  /** `SHORTEST 2 GROUPS …` */
  readonly selector?: PathSelector | undefined;
  readonly elements: readonly (NodePattern | RelationshipPattern)[];
  /** `((a)-->(b) WHERE …)`: of the paths that a selector chooses among. */
  readonly where?: Expression | undefined;
}
/** Which of the paths between two ends: `count` of the shortest, or all of the `count` shortest lengths. */
export interface PathSelector {
  readonly count: Literal | Parameter;
  readonly groups: boolean;
}

// ---- clauses

export interface ProjectionItem extends Span {
  readonly expression: Expression;
  readonly alias: string | undefined;
  /** The column's name: the alias, the variable's name, or the source text. */
  readonly name: string;
}
export interface SortItem extends Span {
  readonly expression: Expression;
  readonly descending: boolean;
}
export interface Projection {
  readonly distinct: boolean;
  readonly star: boolean;
  readonly items: readonly ProjectionItem[];
  readonly orderBy: readonly SortItem[];
  readonly skip: Expression | undefined;
  readonly limit: Expression | undefined;
  /** Variables around a subquery that an aggregate without keys takes along (see semantics/outer-names.ts). */
  readonly recalled?: readonly string[];
  /** Names that `*` does not stand for. */
  readonly leftOut?: readonly string[];
}

export type Clause =
  | MatchClause | UnwindClause | WithClause | ReturnClause | CreateClause | MergeClause | SetClause | RemoveClause
  | DeleteClause | ForeachClause | CallClause | CallSubqueryClause | LoadCsvClause | FinishClause;

export interface MatchClause extends Span {
  readonly kind: 'Match';
  readonly optional: boolean;
  /** A relationship may be used again. */
  readonly isRepeatable?: true;
  readonly patterns: readonly PatternPart[];
  readonly hints: readonly Hint[];
  readonly where: Expression | undefined;
}
export type Hint =
  | { readonly kind: 'index'; readonly variable: string; readonly label: string; readonly keys: readonly string[] }
  | { readonly kind: 'scan'; readonly variable: string; readonly label: string }
  | { readonly kind: 'start'; readonly variable: string }
  | { readonly kind: 'join'; readonly variables: readonly string[] };
export interface UnwindClause extends Span {
  readonly kind: 'Unwind';
  readonly list: Expression;
  readonly variable: string;
}
export interface WithClause extends Span {
  readonly kind: 'With';
  readonly projection: Projection;
  readonly where: Expression | undefined;
  /** It was RETURN … NEXT. */
  readonly isNext?: true;
}
export interface ReturnClause extends Span {
  readonly kind: 'Return';
  readonly projection: Projection;
}
export interface CreateClause extends Span {
  readonly kind: 'Create';
  readonly patterns: readonly PatternPart[];
}
export interface MergeClause extends Span {
  readonly kind: 'Merge';
  readonly pattern: PatternPart;
  readonly onCreate: readonly SetItem[];
  readonly onMatch: readonly SetItem[];
}
export type SetItem =
  | ({ readonly kind: 'property'; readonly target: Expression; readonly key: Expression | string; readonly value: Expression } & Span)
  | ({ readonly kind: 'replace' | 'merge'; readonly variable: string; readonly value: Expression } & Span)
  | ({ readonly kind: 'labels'; readonly variable: string; readonly labels: readonly (string | Expression)[] } & Span);
export interface SetClause extends Span {
  readonly kind: 'Set';
  readonly items: readonly SetItem[];
}
export type RemoveItem =
  | ({ readonly kind: 'property'; readonly target: Expression; readonly key: Expression | string } & Span)
  | ({ readonly kind: 'labels'; readonly variable: string; readonly labels: readonly (string | Expression)[] } & Span);
export interface RemoveClause extends Span {
  readonly kind: 'Remove';
  readonly items: readonly RemoveItem[];
}
export interface DeleteClause extends Span {
  readonly kind: 'Delete';
  readonly detach: boolean;
  readonly items: readonly Expression[];
}
export interface ForeachClause extends Span {
  readonly kind: 'Foreach';
  readonly variable: string;
  readonly list: Expression;
  readonly clauses: readonly Clause[];
}
export interface YieldItem extends Span {
  readonly column: string;
  readonly variable: string;
}
export interface CallClause extends Span {
  readonly kind: 'Call';
  readonly procedure: string;
  /** Undefined: called without parentheses. */
  readonly args: readonly Expression[] | undefined;
  readonly yields: readonly YieldItem[] | undefined;
  readonly yieldStar: boolean;
  readonly where: Expression | undefined;
  readonly optional: boolean;
}
export interface CallSubqueryClause extends Span {
  readonly kind: 'CallSubquery';
  readonly query: Query;
  /** `CALL (a, b) { }`; `CALL (*) { }` is 'all'; undefined: imported by a leading WITH. */
  readonly imports: readonly string[] | 'all' | undefined;
  readonly inTransactions: InTransactions | undefined;
  readonly optional: boolean;
}
/** `IN TRANSACTIONS OF rows ROWS ON ERROR … REPORT STATUS AS status` */
export interface InTransactions {
  /** A literal or a parameter; 1,000 where absent. */
  readonly rows: Expression | undefined;
  readonly onError: 'fail' | 'continue' | 'break';
  readonly status: string | undefined;
}
export interface LoadCsvClause extends Span {
  readonly kind: 'LoadCsv';
  readonly headers: boolean;
  readonly url: Expression;
  readonly variable: string;
  readonly fieldTerminator: string | undefined;
}

/** Ends a query that gives no rows. */
export interface FinishClause extends Span {
  readonly kind: 'Finish';
}

// ---- statements

export interface SingleQuery extends Span {
  readonly clauses: readonly Clause[];
}
export interface Query extends Span {
  readonly kind: 'Query';
  readonly parts: readonly SingleQuery[];
  /** `unions[i]` joins part i and i+1; true for UNION ALL. */
  readonly unionAll: readonly boolean[];
}

/** Commands for something that has a name. */
interface Named extends Span {
  /** The parameter whose value is the name, which is empty then. */
  readonly nameParameter?: string;
}

export interface CreateIndexCommand extends Named {
  readonly kind: 'CreateIndex';
  readonly name: string | undefined;
  readonly target: 'vertex' | 'edge';
  readonly label: string;
  readonly keys: readonly string[];
  readonly ifNotExists: boolean;
}
export interface CreateTextIndexCommand extends Named {
  readonly kind: 'CreateTextIndex';
  readonly name: string;
  readonly target: 'vertex' | 'edge';
  readonly labels: readonly string[];
  readonly keys: readonly string[];
  readonly options: MapLiteral | undefined;
  readonly ifNotExists: boolean;
}

/** IF NOT EXISTS, of something that does. */
export interface CreateLookupIndexCommand extends Span {
  readonly kind: 'CreateLookupIndex';
}

export interface CreateVectorIndexCommand extends Named {
  readonly kind: 'CreateVectorIndex';
  readonly name: string | undefined;
  readonly target: 'vertex' | 'edge';
  readonly label: string;
  readonly key: string;
  readonly options: MapLiteral | undefined;
  readonly ifNotExists: boolean;
}

export interface DropIndexCommand extends Named {
  readonly kind: 'DropIndex';
  /** By name, or by label and keys (`DROP INDEX ON :L(k)`). */
  readonly name: string | undefined;
  readonly label: string | undefined;
  readonly keys: readonly string[];
  readonly ifExists: boolean;
}
export interface CreateConstraintCommand extends Named {
  readonly kind: 'CreateConstraint';
  readonly name: string | undefined;
  readonly target: 'vertex' | 'edge';
  readonly label: string;
  readonly keys: readonly string[];
  readonly type: 'unique' | 'node_key' | 'exists' | 'type';
  /** `IS :: INTEGER` */
  readonly propertyType: string | undefined;
  readonly ifNotExists: boolean;
}
export interface DropConstraintCommand extends Named {
  readonly kind: 'DropConstraint';
  readonly name: string | undefined;
  readonly target: 'vertex' | 'edge' | undefined;
  readonly label: string | undefined;
  readonly keys: readonly string[];
  readonly type: 'unique' | 'node_key' | 'exists' | 'type' | undefined;
  readonly ifExists: boolean;
}
export interface ShowCommand extends Span {
  readonly kind: 'Show';
  readonly what: 'indexes' | 'constraints' | 'procedures' | 'functions' | 'databases' | 'users' | 'currentUser' | 'roles' | 'roleMembers' | 'servers' | 'settings' | 'transactions' | 'terminated'
    | 'privileges' | 'privilegeCommands' | 'userPrivileges' | 'userPrivilegeCommands' | 'aliases';
  /** SHOW FULLTEXT INDEXES and the like: of which kind. */
  readonly indexKind?: string | undefined;
  /** SHOW POPULATED ROLES: those that somebody has. */
  readonly populated?: boolean | undefined;
  /** SHOW USER DEFINED FUNCTIONS, of which there are none. */
  readonly none?: boolean | undefined;
  /** The words of SHOW NODE UNIQUENESS CONSTRAINTS and the like. */
  readonly constraintKinds?: readonly string[] | undefined;
  /** Which transactions, or the name of one database; empty: all. */
  readonly ids: readonly Expression[];
  readonly yields: readonly YieldItem[] | undefined;
  readonly yieldStar: boolean;
  /** What ORDER BY, SKIP and LIMIT behind YIELD ask for, of the same columns. */
  readonly ordered: Projection | undefined;
  readonly where: Expression | undefined;
  /** A RETURN that follows YIELD. */
  readonly projection: Projection | undefined;
}
/** A command for users, roles or databases: a call of a procedure of the host. */
export interface AdministrationCommand extends Span {
  readonly kind: 'Administer';
  readonly procedure: string;
  readonly args: readonly Expression[];
}
export type Command =
  | CreateIndexCommand | CreateLookupIndexCommand | CreateTextIndexCommand | CreateVectorIndexCommand | DropIndexCommand | CreateConstraintCommand | DropConstraintCommand | ShowCommand | AdministrationCommand;

export interface Statement {
  readonly mode: 'run' | 'explain' | 'profile';
  /** `USE graph` */
  readonly graph: string | undefined;
  readonly body: Query | Command;
}
