/**
 * Whether a state store is whole. Vertices, edges, catalogs and the system state are what was written (their checksum says so); all
 * else is derived from them, and compared with them here:
 *
 *   every block decodes · checksum · both ends of every edge list it, and nothing else is listed · degrees of hubs · sets of all
 *   vertices and of each label · every index entry is right, none is missing, keys in order, unique ones once · counters
 *
 * Every block is read once, in order of its key, and nothing is looked up for each relationship or index entry: both sides of a comparison are summed up as hashes, and only
 * where sums differ is what they were made of looked at one by one (validate/explain.ts). Sums add up, so threads share the store by ranges of keys
 * (validate/plan.ts, validate/helper.ts). Memory does not grow with the data but for a bit for each vertex id.
 */
import { COUNTERS, CountersBlock } from '../graph/blocks.ts';
import type { ReadPoint } from '../graph/state-reader.ts';
import { ALL_VERTICES } from '../graph/reader.ts';
import type { Engine } from '../storage/engine.ts';
import { explainAdjacency, explainIndex } from './validate/explain.ts';
import { setName, vectorTreeName } from './validate/graph-scan.ts';
import type { ValidateHelper } from './validate/helper.ts';
import { planOf } from './validate/plan.ts';
import type { Task } from './validate/plan.ts';
import { StoreScan } from './validate/store-scan.ts';
import type { CheckedGraph, TaskResult } from './validate/store-scan.ts';
import { addTotals } from './validate/totals.ts';
import type { GraphTotals, Problem } from './validate/totals.ts';

export type { Problem } from './validate/totals.ts';

export interface ValidateStep {
  readonly done: number;
  readonly total: number;
  readonly blocks: number;
}

export interface ValidateEvents {
  readonly onProblem: (problem: Problem) => void;
  readonly onProgress: (step: ValidateStep) => void;
}

export async function validateStore(engine: Engine, point: ReadPoint, events: ValidateEvents, helpers: readonly ValidateHelper[] = []): Promise<void> {
  const scan = new StoreScan(engine, point);
  const plan = planOf(scan.graphs);
  const work = new SharedWork([...plan.vertices, ...plan.rest], events);
  await work.share(plan.vertices, [scan, ...helpers]);
  for (const helper of helpers) scan.learn(await helper.known());
  await Promise.all(helpers.map((helper) => helper.learn(scan.known())));
  await work.share(plan.rest, [scan, ...helpers]);
  const totals = scan.totals();
  for (const helper of helpers) addTotals(totals, await helper.totals());

  const checksum = totals.checksum.toString();
  if (checksum !== point.checksum) {
    events.onProblem({ graph: '', what: 'checksum', text: `vertices, edges and catalogs have the checksum ${checksum}, at version ${point.version} it was ${point.checksum}` });
  }
  for (const graph of scan.graphs) {
    await compare(engine, graph, totals.graphs.get(graph.id)!, (what, text) => events.onProblem({ graph: graph.name, what, text }));
  }
}

/** Tasks that threads take one after the other. */
class SharedWork {
  readonly #events: ValidateEvents;
  readonly #total: number;
  #done = 0;
  #blocks = 0;

  constructor(tasks: readonly Task[], events: ValidateEvents) {
    this.#events = events;
    this.#total = tasks.reduce((sum, { weight }) => sum + weight, 0);
  }

  async share(tasks: readonly Task[], threads: readonly { run(task: Task): Promise<TaskResult> }[]): Promise<void> {
    const queue = tasks.values();
    await Promise.all(threads.map(async (thread) => {
      for (const task of queue) {
        const { problems, blocks } = await thread.run(task);
        for (const problem of problems) this.#events.onProblem(problem);
        this.#done += task.weight;
        this.#blocks += blocks;
        this.#events.onProgress({ done: this.#done, total: this.#total, blocks: this.#blocks });
      }
    }));
  }
}

type Report = (what: Problem['what'], text: string) => void;

async function compare(engine: Engine, graph: CheckedGraph, totals: GraphTotals, report: Report): Promise<void> {
  const { catalog } = graph;
  const wrong = totals.edges.wrong();
  if (wrong.size > 0) await explainAdjacency({ engine, graph, totals, report }, wrong);
  for (const [side, name] of ['outgoing', 'incoming'].entries()) {
    const { counted: { edges }, listed } = totals;
    if (listed[side] !== edges) report('adjacency', `INCONSISTENT: ${edges} edges, but ${listed[side]} ${name} ones are listed at their vertices`);
  }
  compareSets(graph, totals, report);
  for (const index of catalog.data.indexes) if (!totals.indexes.get(index.id)!.areEqual) explainIndex({ engine, graph, totals, report }, index);
  for (const index of catalog.texts) {
    const entries = totals.texts.get(index.id)!;
    // Postings are too many to look each up at its document.
    if (!entries.areEqual) report('index', `${index.name}: ${entries.found} entries of words, but the texts have ${entries.expected}${entries.found === entries.expected ? ', and they are others' : ''}`);
  }
  for (const tree of catalog.vectorTrees) {
    const members = totals.vectors.get(tree.id)!;
    if (!members.areEqual) report('index', `${vectorTreeName(catalog, tree)}: ${members.found} vectors, but there are ${members.expected}${members.found === members.expected ? ', and they are others' : ''}`);
  }
  compareCounters(graph, totals, report);
}

function compareSets({ catalog }: CheckedGraph, { counted, members }: GraphTotals, report: Report): void {
  const expected = new Map([[ALL_VERTICES, counted.vertices], ...counted.byLabel.map((count, label): [number, number] => [label + 1, count])]);
  for (const [set, count] of expected) {
    if ((members.get(set) ?? 0) !== count) report('set', `${setName(catalog, set)} has ${members.get(set) ?? 0} members, but there are ${count} such vertices`);
  }
  for (const [set, count] of members) if (!expected.has(set) && count > 0) report('set', `${setName(catalog, set)} has ${count} members, but there are no such vertices`);
}

function compareCounters({ source, catalog }: CheckedGraph, { counted, vectors }: GraphTotals, report: Report): void {
  const kept = source.get(COUNTERS, 0) ?? new CountersBlock();
  const check = (name: string, isRight: boolean, has: number, found: number) => {
    if (!isRight) report('counter', `${name} is kept as ${has}, counted were ${found}`);
  };
  check('the number of vertices', kept.vertices === counted.vertices, kept.vertices, counted.vertices);
  check('the number of edges', kept.edges === counted.edges, kept.edges, counted.edges);
  check('the next vertex id', kept.nextVertex >= counted.nextVertex, kept.nextVertex, counted.nextVertex);
  check('the next edge id', kept.nextEdge >= counted.nextEdge, kept.nextEdge, counted.nextEdge);
  for (const [names, has, found] of [[catalog.data.labels, kept.byLabel, counted.byLabel], [catalog.data.types, kept.byType, counted.byType]] as const) {
    for (const [i, name] of names.entries()) check(`the number of ${name}`, (has[i] ?? 0) === (found[i] ?? 0), has[i] ?? 0, found[i] ?? 0);
  }
  for (const tree of catalog.vectorTrees) {
    const [has, found] = [kept.vectors.get(tree.id) ?? 0, vectors.get(tree.id)!.expected];
    check(`the number of vectors of ${vectorTreeName(catalog, tree)}`, has === found, has, found);
  }
  for (const { id, name } of catalog.texts) {
    const sums = counted.texts.get(id)!;
    const known = kept.texts.get(id) ?? [];
    if (sums.some((sum, i) => sum !== (known[i] ?? 0))) report('counter', `the texts and words of ${name} are kept as ${known.join(', ') || 'none'}, counted were ${sums.join(', ')}`);
  }
}
