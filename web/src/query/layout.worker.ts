/** ForceAtlas2 in a worker: takes positions and edges, sends positions back as it goes, the next when these are drawn, until the time is up. */
import { MultiUndirectedGraph } from 'graphology';
import forceAtlas2 from 'graphology-layout-forceatlas2';

export interface LayoutJob {
  /** x, y of each node, in order. */
  readonly positions: Float32Array;
  /** Indexes of two nodes for each edge. */
  readonly edges: Uint32Array;
  readonly forMs: number;
}

const SLICE_MS = 60;

const drawn = (): Promise<unknown> => new Promise((resolve) => addEventListener('message', resolve, { once: true }));

async function layOut({ positions, edges, forMs }: LayoutJob): Promise<void> {
  const graph = new MultiUndirectedGraph();
  const count = positions.length / 2;
  for (let i = 0; i < count; i++) graph.addNode(i, { x: positions[i * 2], y: positions[i * 2 + 1], size: 1 });
  for (let i = 0; i < edges.length; i += 2) if (edges[i] !== edges[i + 1]) graph.addEdge(edges[i], edges[i + 1]);
  const settings = { ...forceAtlas2.inferSettings(graph), barnesHutOptimize: count > 500, strongGravityMode: true, gravity: 0.5, scalingRatio: 20, slowDown: 2 };
  const started = performance.now();
  let iterations = 1;
  while (performance.now() - started < forMs) {
    const before = performance.now();
    forceAtlas2.assign(graph, { iterations, settings });
    const took = performance.now() - before;
    iterations = Math.max(1, Math.min(200, Math.round(iterations * (SLICE_MS / Math.max(1, took)))));
    const next = new Float32Array(positions.length);
    graph.forEachNode((node, { x, y }) => next.set([x as number, y as number], Number(node) * 2));
    postMessage({ positions: next, isLast: false }, { transfer: [next.buffer] });
    await drawn();
  }
  postMessage({ positions: new Float32Array(), isLast: true });
}

addEventListener('message', (event: MessageEvent<LayoutJob>) => void layOut(event.data), { once: true });
