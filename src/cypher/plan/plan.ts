/**
 * Plans as plain data: a tree of operators over rows. `rows` is the estimate of what an operator yields in all.
 *
 * Every operator but `Argument` has an `input`; a second one (`right`) is run once for each batch or row of the first, with those rows as its
 * argument, or once in all where it depends on nothing.
 */
import type { IndexDef } from '../../graph/catalog.ts';
import type { Expression, LabelExpression, RemoveItem, SetItem } from '../ast.ts';
import type { ProcedureDef } from '../procedures.ts';
import type { Env } from './env.ts';

/** A predicate with the scope it is evaluated in. */
export interface Scoped {
  readonly expression: Expression;
  readonly env: Env;
}

export interface Assignment extends Scoped {
  readonly slot: number;
  readonly name: string;
}

export interface SortKey extends Scoped {
  readonly descending: boolean;
}

interface Common {
  readonly rows: number;
}

export interface Argument extends Common {
  readonly op: 'Argument';
  readonly env: Env;
  /** The rows given have this layout already; otherwise they are copied into it. */
  readonly pass: boolean;
}

interface Scan extends Common {
  readonly input: PlanNode;
  readonly slot: number;
  readonly name: string;
  /** Labels that remain to be tested. */
  readonly labels: readonly string[];
  readonly filters: readonly Scoped[];
}
export interface AllNodes extends Scan {
  readonly op: 'AllNodes';
}
export interface LabelScan extends Scan {
  readonly op: 'LabelScan';
  readonly label: string;
}
/** A choice of labels, or labels that are values: see DynamicLabels. */
export interface LabelsScan extends Scan {
  readonly op: 'LabelsScan';
  readonly expression: LabelExpression;
  readonly env: Env;
}
/** What is found by values of indexed properties, or by id: nodes, or relationships of a type. */
export type Lookup = IndexLookup | RangeLookup | IdLookup | UnionLookup;

interface IndexLookup {
  readonly op: 'IndexSeek';
  readonly label: string;
  readonly index: IndexDef;
  readonly keys: readonly string[];
  /** One value per column; with `list`, the last one is a list of values of which any may match. */
  readonly values: readonly Scoped[];
  readonly list: boolean;
}
interface RangeLookup {
  readonly op: 'IndexRange';
  readonly label: string;
  readonly index: IndexDef;
  readonly keys: readonly string[];
  readonly equal: readonly Scoped[];
  readonly lower: { readonly value: Scoped; readonly inclusive: boolean } | undefined;
  readonly upper: { readonly value: Scoped; readonly inclusive: boolean } | undefined;
  /** `STARTS WITH`: strings that begin with it. */
  readonly prefix: Scoped | undefined;
  /** The order matters: it is that of the rows wanted. */
  readonly descending?: boolean;
  /** Afterwards come the label's nodes that lack the property. */
  readonly thenWithout?: boolean;
}
/** `euid` is of relationships alone; just the end of its text is looked at here. */
export type IdFunction = 'id' | 'elementId' | 'euid';

interface IdLookup {
  readonly op: 'IdSeek';
  readonly ids: Scoped;
  readonly list: boolean;
  /** Whose values they are: integers, or texts. */
  readonly function: IdFunction;
}
/** What any of them finds. */
interface UnionLookup {
  readonly op: 'UnionSeek';
  readonly of: readonly Lookup[];
}
export interface IndexSeek extends Scan, IndexLookup {}
export interface IndexRangeScan extends Scan, RangeLookup {}
export interface IdSeek extends Scan, IdLookup {}
export interface UnionSeek extends Scan, UnionLookup {}

/** Finds relationships, without a look at their type and ends: `Endpoints` follows. */
export interface RelationshipSeek extends Common {
  readonly op: 'RelationshipSeek';
  readonly input: PlanNode;
  readonly slot: number;
  readonly name: string;
  readonly by: Lookup;
}

/** Slots and names of the two ends of what is followed; it begins at the first. */
interface Ends {
  readonly from: number;
  readonly fromName: string;
  readonly to: number;
  readonly toName: string;
  /** The end is bound already: what is followed must lead there. */
  readonly into: boolean;
}

export interface RelationshipStep extends Ends {
  readonly relationship: number | undefined;
  readonly relationshipName: string;
  /** Whether the slot holds only the id: an unnamed relationship, kept for uniqueness. */
  readonly idOnly: boolean;
  readonly types: LabelExpression | undefined;
  /** Variables that types which are values may use. */
  readonly typesIn: Env;
  readonly direction: 'out' | 'in' | 'both';
  /** Labels of the far end. */
  readonly labels: readonly string[];
  /** Slots of relationships (or lists of them) of the same MATCH that must differ. */
  readonly distinctFrom: readonly number[];
  readonly filters: readonly Scoped[];
}

export interface Expand extends Common, RelationshipStep {
  readonly op: 'Expand';
  readonly input: PlanNode;
}

export interface VarExpand extends Common, RelationshipStep {
  readonly op: 'VarExpand';
  readonly input: PlanNode;
  readonly min: number;
  readonly max: number;
  /** Properties each relationship must have. */
  readonly properties: readonly { readonly key: string; readonly value: Scoped }[];
  /** Followed against the direction of the pattern: the list is turned round. */
  readonly reversed: boolean;
  /** Nobody asks how often an end is reached: each is yielded once per input row. */
  readonly distinctEnds: boolean;
}

/** A quantified path pattern. Nodes, steps and tests stand in the order in which they are followed. */
export interface Repeat extends Common, Ends {
  readonly op: 'Repeat';
  readonly input: PlanNode;
  readonly min: number;
  readonly max: number;
  /** Slots of one repetition's nodes; one slot twice: the same node. */
  readonly nodes: readonly number[];
  readonly steps: readonly { readonly relationship: number; readonly types: LabelExpression | undefined; readonly direction: 'out' | 'in' | 'both' }[];
  readonly typesIn: Env;
  /** What to test once the node in that place, and the relationship that leads to it, are known. */
  readonly tests: readonly (readonly Scoped[])[];
  /** Lists of all repetitions' nodes or relationships in one place. */
  readonly lists: readonly { readonly slot: number; readonly name: string; readonly kind: 'node' | 'relationship'; readonly place: number }[];
  /** All relationships in order. */
  readonly chain: number | undefined;
  /** Followed against the direction of the pattern: lists are turned round. */
  readonly reversed: boolean;
  /** Nobody asks how often an end is reached: each is yielded once per input row. */
  readonly distinctEnds: boolean;
  readonly labels: readonly string[];
  readonly distinctFrom: readonly number[];
  readonly filters: readonly Scoped[];
  readonly start: number;
  readonly end: number;
}

/** Binds or checks the ends of a relationship (or list of them) that is bound already. */
export interface Endpoints extends Common {
  readonly op: 'Endpoints';
  readonly input: PlanNode;
  readonly relationship: number;
  readonly relationshipName: string;
  readonly from: number;
  readonly fromBound: boolean;
  readonly to: number;
  readonly toBound: boolean;
  readonly direction: 'out' | 'in' | 'both';
  readonly types: LabelExpression | undefined;
  readonly typesIn: Env;
  /** Undefined for a single relationship. */
  readonly length: { readonly min: number; readonly max: number } | undefined;
  readonly labels: readonly { readonly slot: number; readonly label: string }[];
  readonly distinctFrom: readonly number[];
  readonly filters: readonly Scoped[];
}

export interface ShortestPath extends Common {
  readonly op: 'ShortestPath';
  readonly input: PlanNode;
  readonly from: number;
  readonly to: number;
  readonly types: LabelExpression | undefined;
  /** Variables that types which are values may use. */
  readonly typesIn: Env;
  readonly direction: 'out' | 'in' | 'both';
  readonly min: number;
  readonly max: number;
  readonly all: boolean;
  /** Written with a selector: for ends that are one node, a path that leads back to it. */
  readonly around?: PathSearch | undefined;
  readonly path: number | undefined;
  readonly relationships: number | undefined;
  readonly properties: readonly { readonly key: string; readonly value: Scoped }[];
  /** Predicates on the path as a whole. */
  readonly filters: readonly Scoped[];
  /** Predicates on each relationship and each node, with the slot of their variable. */
  readonly everyRelationship: readonly { readonly slot: number; readonly predicate: Scoped }[];
  readonly everyNode: readonly { readonly slot: number; readonly predicate: Scoped }[];
  readonly details: string;
}

/** Paths that a selector chooses. Segments, nodes and steps stand in the order in which they are followed. */
export interface PathSearch extends Common, Ends {
  readonly op: 'PathSearch';
  readonly input: PlanNode;
  /** Followed against the direction of the pattern. */
  readonly reversed: boolean;
  readonly count: Scoped;
  readonly groups: boolean;
  readonly segments: readonly SearchedSegment[];
  readonly typesIn: Env;
  /** Slots of the nodes between segments, with what is asked of each; the two ends have no tests here. */
  readonly joints: readonly { readonly slot: number; readonly tests: readonly Scoped[] }[];
  /** On a whole path, before it counts as one. */
  readonly tests: readonly Scoped[];
  readonly variables: readonly { readonly slot: number; readonly name: string; readonly kind: 'node' | 'relationship'; readonly list: boolean; readonly segment: number; readonly place: number }[];
  readonly path: number | undefined;
  /** Of an end that is not bound: its labels and predicates. */
  readonly labels: readonly string[];
  readonly filters: readonly Scoped[];
  readonly start: number;
  readonly end: number;
}
export interface SearchedSegment {
  readonly plain: boolean;
  readonly min: number;
  readonly max: number | undefined;
  /** Slots of one repetition's nodes, and what is asked of each alone. */
  readonly nodes: readonly { readonly slot: number; readonly tests: readonly Scoped[] }[];
  /** What is asked of a relationship with its two nodes. */
  readonly steps: readonly { readonly slot: number; readonly types: LabelExpression | undefined; readonly direction: 'out' | 'in' | 'both'; readonly tests: readonly Scoped[] }[];
  /** What is asked of a repetition as a whole. */
  readonly tests: readonly Scoped[];
}

export interface BuildPath extends Common {
  readonly op: 'BuildPath';
  readonly input: PlanNode;
  readonly slot: number;
  readonly name: string;
  /** Node, relationship, node, ... */
  readonly parts: readonly { readonly slot: number; readonly list: boolean }[];
}

export interface Filter extends Common {
  readonly op: 'Filter';
  readonly input: PlanNode;
  readonly predicates: readonly Scoped[];
}

/** New rows in the layout of `env`. */
export interface Project extends Common {
  readonly op: 'Project';
  readonly input: PlanNode;
  readonly items: readonly Assignment[];
  readonly env: Env;
}

export interface AggregateItem {
  readonly slot: number;
  readonly name: string;
  /** Lower case; `count(*)` has no arguments. */
  readonly function: string;
  readonly distinct: boolean;
  readonly args: readonly Scoped[];
}
export interface Aggregate extends Common {
  readonly op: 'Aggregate';
  readonly input: PlanNode;
  readonly keys: readonly Assignment[];
  readonly aggregates: readonly AggregateItem[];
  readonly env: Env;
  /** Of the row that a subquery is asked for: there may be no other to take it from. */
  readonly recalled?: readonly { readonly from: number; readonly to: number }[];
}

export interface Distinct extends Common {
  readonly op: 'Distinct';
  readonly input: PlanNode;
  readonly slots: readonly number[];
}
export interface Sort extends Common {
  readonly op: 'Sort';
  readonly input: PlanNode;
  readonly keys: readonly SortKey[];
  /** Keep only the first so many. */
  readonly limit: Scoped | undefined;
  readonly skip: Scoped | undefined;
}
export interface Skip extends Common {
  readonly op: 'Skip';
  readonly input: PlanNode;
  readonly count: Scoped;
}
export interface Limit extends Common {
  readonly op: 'Limit';
  readonly input: PlanNode;
  readonly count: Scoped;
}
export interface Unwind extends Common {
  readonly op: 'Unwind';
  readonly input: PlanNode;
  readonly list: Scoped;
  readonly slot: number;
  readonly name: string;
}
/** OPTIONAL: rows of `right`, or the left row as it is. */
export interface Optional extends Common {
  readonly op: 'Optional';
  readonly input: PlanNode;
  readonly right: PlanNode;
  readonly ordinal: number;
  /** What the right side fills. */
  readonly slots: readonly number[];
}
/** Left × right, where right depends on nothing; or a hash join on the keys. */
export interface Product extends Common {
  readonly op: 'Product';
  readonly input: PlanNode;
  readonly right: PlanNode;
  /** Slots that the right side fills. */
  readonly slots: readonly number[];
  readonly keys: readonly { readonly left: Scoped; readonly right: Scoped }[];
}
/** CALL { }: the right side runs for each row; its columns go into the row's slots. */
export interface CallSubquery extends Common {
  readonly op: 'CallSubquery';
  readonly input: PlanNode;
  readonly right: PlanNode;
  readonly columns: readonly { readonly from: number; readonly to: number; readonly name: string }[];
  readonly optional: boolean;
  readonly inTransactions: { readonly rows: Scoped | undefined; readonly onError: 'fail' | 'continue' | 'break'; readonly status: number | undefined } | undefined;
  /** No RETURN inside: the row passes once, after its effects. */
  readonly unit: boolean;
}
export interface Union extends Common {
  readonly op: 'Union';
  /** Each with the order in which its columns become those of the first. */
  readonly inputs: readonly { readonly plan: PlanNode; readonly columns: readonly number[] }[];
  readonly distinct: boolean;
}
export interface ProcedureCall extends Common {
  readonly op: 'ProcedureCall';
  readonly input: PlanNode;
  readonly definition: ProcedureDef;
  /** Undefined: from the parameters, by name. */
  readonly args: readonly Scoped[] | undefined;
  readonly columns: readonly { readonly from: number; readonly to: number; readonly name: string }[];
  readonly optional: boolean;
  /** A procedure without columns lets the row pass. */
  readonly passes: boolean;
}
export interface LoadCsv extends Common {
  readonly op: 'LoadCsv';
  readonly input: PlanNode;
  readonly url: Scoped;
  readonly headers: boolean;
  readonly fieldTerminator: string;
  readonly slot: number;
  /** For file() and linenumber(). */
  readonly fileSlot: number;
  readonly lineSlot: number;
}

// ---- updates

export interface CreatedNode {
  readonly kind: 'node';
  readonly slot: number;
  /** Names, and expressions that give one or a list of them. */
  readonly labels: readonly (string | Scoped)[];
  readonly properties: Scoped | undefined;
}
export interface CreatedRelationship {
  readonly kind: 'relationship';
  readonly slot: number | undefined;
  readonly type: string | Scoped;
  readonly from: number;
  readonly to: number;
  readonly properties: Scoped | undefined;
}
export interface CreatedPath {
  readonly kind: 'path';
  readonly slot: number;
  readonly parts: readonly { readonly slot: number; readonly list: boolean }[];
}
export type Creation = CreatedNode | CreatedRelationship | CreatedPath;

export interface Create extends Common {
  readonly op: 'Create';
  readonly input: PlanNode;
  readonly creations: readonly Creation[];
}
export interface Merge extends Common {
  readonly op: 'Merge';
  readonly input: PlanNode;
  /** Finds the pattern, given the row. */
  readonly match: PlanNode;
  /** Where the found variables go in the row. */
  readonly found: readonly { readonly from: number; readonly to: number; readonly name: string }[];
  readonly creations: readonly Creation[];
  /** Property values that may not be null. */
  readonly required: readonly Scoped[];
  readonly onCreate: readonly SetStep[];
  readonly onMatch: readonly SetStep[];
}
export interface SetStep {
  readonly item: SetItem;
  readonly env: Env;
}
export interface SetItems extends Common {
  readonly op: 'Set';
  readonly input: PlanNode;
  readonly items: readonly SetStep[];
}
export interface Remove extends Common {
  readonly op: 'Remove';
  readonly input: PlanNode;
  readonly items: readonly { readonly item: RemoveItem; readonly env: Env }[];
}
export interface Delete extends Common {
  readonly op: 'Delete';
  readonly input: PlanNode;
  readonly detach: boolean;
  readonly items: readonly Scoped[];
}
export interface Foreach extends Common {
  readonly op: 'Foreach';
  readonly input: PlanNode;
  readonly list: Scoped;
  readonly slot: number;
  readonly name: string;
  readonly right: PlanNode;
}
/** Takes all its input before it yields: what follows must not be seen by what came before, nor the other way round. */
export interface Eager extends Common {
  readonly op: 'Eager';
  readonly input: PlanNode;
}
/** Takes all its input and yields nothing. */
export interface Drain extends Common {
  readonly op: 'Drain';
  readonly input: PlanNode;
}
/** Counts the catalog keeps: `MATCH (n:L) RETURN count(*)`. */
export interface StoredCount extends Common {
  readonly op: 'StoredCount';
  readonly kind: 'nodes' | 'relationships';
  readonly name: string | undefined;
  readonly column: string;
  readonly env: Env;
}
/** The types that relationships have, each with how many, from the same counts: `MATCH ()-[r]->() RETURN type(r), count(*)`. */
export interface StoredTypes extends Common {
  readonly op: 'StoredTypes';
  /** What stands for the type's name, and for the count. */
  readonly key: Assigned;
  readonly counts: readonly Assigned[];
  readonly env: Env;
}
interface Assigned {
  readonly name: string;
  readonly slot: number;
}

export type PlanNode =
  | Argument | AllNodes | LabelScan | LabelsScan | IndexSeek | IndexRangeScan | IdSeek | UnionSeek | RelationshipSeek | Expand | VarExpand | Repeat | Endpoints | ShortestPath | PathSearch | BuildPath
  | Filter | Project | Aggregate | Distinct | Sort | Skip | Limit | Unwind | Optional | Product | CallSubquery | Union | ProcedureCall
  | LoadCsv | Create | Merge | SetItems | Remove | Delete | Foreach | Eager | Drain | StoredCount | StoredTypes;

