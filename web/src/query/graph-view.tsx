/** A result as a graph: sigma draws it (by a worker where there is no GPU), another worker lays it out, the main thread only copies positions. */
import { MultiDirectedGraph } from 'graphology';
import { useEffect, useRef, useState } from 'preact/hooks';
import Sigma from 'sigma';
import type { GraphNode, GraphRelationship } from '../api/types.ts';
import { number, t } from '../i18n/index.ts';
import { isDark } from '../state/settings.ts';
import { showDialog } from '../ui/dialog.tsx';
import { toast, tried } from '../ui/toast.tsx';
import { captionOf, colorOf, completeEnds, labelOf, neighbours, NODES_MAX, setStyle, sizeOf, styles } from './graph-model.ts';
import type { Elements } from './graph-model.ts';
import { drawHover } from './hover.ts';
import type { LayoutJob } from './layout.worker.ts';
import { hasGpu, PlainSigma } from './plain-sigma.ts';
import { valueText } from './values.ts';

const EDGE_LABELS_MAX = 400;
/** With more, edges are plain lines that cannot be clicked. */
const ARROWS_MAX = 2000;
/** With more, edges are left out while the whole is moved. */
const EDGES_MOVED_MAX = 10_000;
/** Elements that enter the graph in one turn of the event loop. */
const SLICE = 500;

type Picked = { readonly node: GraphNode } | { readonly relationship: GraphRelationship } | undefined;

/** A golden spiral: even, and the same every time. */
function spiral(i: number): { x: number; y: number } {
  const radius = 10 * Math.sqrt(i + 0.5);
  const angle = i * 2.399963;
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
}

const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

class Drawing {
  readonly graph = new MultiDirectedGraph();
  readonly elements: Elements = { nodes: new Map(), relationships: new Map() };
  readonly sigma: Sigma;
  /** The longest that one step here kept the main thread. */
  longestStepMs = 0;
  /** Turns of the event loop over which elements came. */
  slices = 0;
  #worker: Worker | undefined;
  #over = false;
  readonly #onLayout: (isRunning: boolean) => void;

  constructor(host: HTMLElement, events: { onPick: (picked: Picked) => void; onExpand: (id: number) => void; onLayout: (isRunning: boolean) => void }) {
    this.#onLayout = events.onLayout;
    this.sigma = new (hasGpu ? Sigma : PlainSigma)(this.graph, host, {
      allowInvalidContainer: true, enableEdgeEvents: true, renderEdgeLabels: true, defaultEdgeType: 'arrow', labelRenderedSizeThreshold: 5, labelDensity: 0.6, zIndex: true,
      labelFont: 'system-ui, sans-serif', labelSize: 12, edgeLabelSize: 10, minCameraRatio: 0.01, maxCameraRatio: 10, defaultDrawNodeHover: drawHover,
    });
    this.paint();
    this.sigma.on('clickNode', ({ node }) => events.onPick({ node: this.elements.nodes.get(Number(node))! }));
    this.sigma.on('clickEdge', ({ edge }) => events.onPick({ relationship: this.elements.relationships.get(Number(edge))! }));
    this.sigma.on('clickStage', () => events.onPick(undefined));
    this.sigma.on('doubleClickNode', ({ node, event }) => {
      event.preventSigmaDefault();
      events.onExpand(Number(node));
    });
    let began = 0;
    this.sigma.on('beforeRender', () => {
      began = performance.now();
    });
    this.sigma.on('afterRender', () => this.#took(began));
    this.#makeDraggable();
  }

  #took(since: number): void {
    this.longestStepMs = Math.max(this.longestStepMs, performance.now() - since);
  }

  /** Colours of the theme. */
  paint(): void {
    const ink = isDark.value ? '#e4e8f0' : '#1d2330';
    this.sigma.setSettings({ labelColor: { color: ink }, edgeLabelColor: { color: isDark.value ? '#98a2b5' : '#5f6878' }, defaultEdgeColor: isDark.value ? '#465066' : '#c3c9d6' });
  }

  #makeDraggable(): void {
    let dragged: string | undefined;
    this.sigma.on('downNode', ({ node }) => {
      dragged = node;
    });
    const mouse = this.sigma.getMouseCaptor();
    mouse.on('mousemovebody', (event) => {
      if (dragged === undefined) return;
      this.stopLayout();
      // What is dragged outwards must not shrink the rest. Until the next layout: what that finds is to be seen whole.
      if (this.sigma.getCustomBBox() === null) this.sigma.setCustomBBox(this.sigma.getBBox());
      const { x, y } = this.sigma.viewportToGraph(event);
      this.graph.mergeNodeAttributes(dragged, { x, y });
      event.preventSigmaDefault();
      event.original.preventDefault();
    });
    mouse.on('mouseup', () => {
      dragged = undefined;
    });
  }

  /** Adds what is not there yet, in small pieces; new nodes start near `at`. Gives how many nodes are new. */
  async add({ nodes, relationships }: Elements, at?: number): Promise<number> {
    // What was waited for may come after the view has gone: nothing is drawn or laid out for nobody.
    if (this.#over) return 0;
    const fresh = [...nodes.values()].filter((node) => !this.elements.nodes.has(node.id)).slice(0, Math.max(0, NODES_MAX - this.graph.order));
    const centre = at === undefined ? undefined : this.graph.getNodeAttributes(at) as { x: number; y: number };
    const [before, total] = [this.graph.order, this.graph.order + fresh.length];
    this.#suit(this.graph.size + relationships.size);
    await this.#inSlices(fresh, (node, i) => {
      const { x, y } = spiral(centre === undefined ? before + i : i);
      this.elements.nodes.set(node.id, node);
      this.graph.addNode(node.id, { x: x + (centre?.x ?? 0), y: y + (centre?.y ?? 0), ...this.#look(node, total) });
    });
    await this.#inSlices(relationships.values(), (one) => {
      if (this.elements.relationships.has(one.id) || !this.elements.nodes.has(one.start) || !this.elements.nodes.has(one.end)) return;
      this.elements.relationships.set(one.id, one);
      this.graph.addEdgeWithKey(one.id, one.start, one.end, { label: one.type, size: 1.2 });
    });
    if (this.#over) return 0;
    const since = performance.now();
    // Now and not with the next frame: sigma refuses changes of what it has not seen.
    this.sigma.refresh({ partialGraph: {} });
    this.#took(since);
    // The more there are, the smaller each.
    if (before > 0 && fresh.length > 0) this.restyle();
    return fresh.length;
  }

  /** Does `work` with each, a few in one turn of the event loop. */
  async #inSlices<T>(list: Iterable<T>, work: (one: T, i: number) => void): Promise<void> {
    let [i, since] = [0, performance.now()];
    for (const one of list) {
      if (this.#over) return;
      work(one, i++);
      if (i % SLICE > 0) continue;
      this.slices++;
      this.#took(since);
      await rest();
      since = performance.now();
    }
    this.#took(since);
  }

  /** How edges are drawn when there are so many; known beforehand, so that none is drawn anew. */
  #suit(edges: number): void {
    const isLarge = edges > ARROWS_MAX;
    const suited = { renderEdgeLabels: edges <= EDGE_LABELS_MAX, enableEdgeEvents: !isLarge, hideEdgesOnMove: edges > EDGES_MOVED_MAX, defaultEdgeType: isLarge ? 'line' : 'arrow' };
    const settings = this.sigma.getSettings();
    if ((Object.keys(suited) as (keyof typeof suited)[]).some((key) => settings[key] !== suited[key])) this.sigma.setSettings(suited);
  }

  #look(node: GraphNode, total = this.elements.nodes.size): { label: string; color: string; size: number } {
    const crowd = Math.min(1, Math.max(0.4, 4 / Math.log2(2 + total / 8)));
    return { label: captionOf(node), color: colorOf(labelOf(node)), size: 7 * sizeOf(labelOf(node)) * crowd };
  }

  restyle(): void {
    this.graph.updateEachNodeAttributes((id, attributes) => ({ ...attributes, ...this.#look(this.elements.nodes.get(Number(id))!) }), { attributes: ['label', 'color', 'size'] });
  }

  hide(id: number): void {
    this.graph.dropNode(id);
    this.elements.nodes.delete(id);
    for (const [key, one] of this.elements.relationships) if (one.start === id || one.end === id) this.elements.relationships.delete(key);
  }

  layOut(): void {
    if (this.#over) return;
    this.stopLayout();
    this.sigma.setCustomBBox(null);
    const ids = this.graph.nodes();
    if (ids.length < 2) return;
    const index = new Map(ids.map((id, i) => [id, i]));
    const positions = new Float32Array(ids.length * 2);
    for (const [i, id] of ids.entries()) positions.set([this.graph.getNodeAttribute(id, 'x') as number, this.graph.getNodeAttribute(id, 'y') as number], i * 2);
    const edges = new Uint32Array(this.graph.size * 2);
    let at = 0;
    this.graph.forEachEdge((_, __, source, target) => {
      edges[at++] = index.get(source)!;
      edges[at++] = index.get(target)!;
    });
    const worker = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' });
    this.#worker = worker;
    this.#onLayout(true);
    worker.onmessage = ({ data }: MessageEvent<{ positions: Float32Array; isLast: boolean }>) => {
      if (this.#worker !== worker) return;
      if (data.isLast) {
        this.stopLayout();
        return;
      }
      const now = performance.now();
      this.#place(index, data.positions);
      this.#took(now);
      // The worker rests until these are drawn: it takes no core from that, and what is slow to draw is drawn less often.
      requestAnimationFrame(() => setTimeout(() => worker.postMessage('drawn')));
    };
    const job: LayoutJob = { positions, edges, forMs: Math.min(8000, 1500 + ids.length) };
    worker.postMessage(job, [positions.buffer, edges.buffer]);
  }

  #place(index: ReadonlyMap<string, number>, positions: Float32Array): void {
    this.graph.forEachNode((id, attributes) => {
      const i = index.get(id);
      if (i === undefined) return;
      attributes.x = positions[i * 2];
      attributes.y = positions[i * 2 + 1];
    });
    // Nothing but places has changed, which are read anew for all; told of each node, sigma would do the rest again, twice.
    this.sigma.refresh({ partialGraph: {}, schedule: true });
  }

  stopLayout(): void {
    if (this.#worker === undefined) return;
    this.#worker.terminate();
    this.#worker = undefined;
    this.#onLayout(false);
  }

  fit(): void {
    this.sigma.setCustomBBox(null);
    void this.sigma.getCamera().animatedReset();
    this.sigma.refresh();
  }

  destroy(): void {
    this.#over = true;
    this.stopLayout();
    this.sigma.kill();
  }
}

function editStyle(label: string, keys: readonly string[]): void {
  const style = styles.value[label] ?? {};
  let change = { color: colorOf(label), caption: style.caption, size: style.size ?? 1 };
  showDialog({
    title: t('legendStyle', { label: label === '' ? t('none') : label }), action: t('apply'),
    body: (
      <>
        <label>{t('styleColor')}<input type="color" value={change.color} onInput={(event) => { change = { ...change, color: event.currentTarget.value }; }} /></label>
        <label>{t('styleCaption')}
          <select onChange={(event) => { const { value } = event.currentTarget; change = { ...change, caption: value === ' auto' ? undefined : value }; }}>
            <option value=" auto" selected={change.caption === undefined}>{t('captionAuto')}</option>
            <option value="" selected={change.caption === ''}>{t('captionNone')}</option>
            {keys.map((key) => <option key={key} value={key} selected={change.caption === key}>{key}</option>)}
          </select>
        </label>
        <label>{t('styleSize')}<input type="range" min={0.5} max={3} step={0.25} value={change.size} onInput={(event) => { change = { ...change, size: Number(event.currentTarget.value) }; }} /></label>
      </>
    ),
    work: async () => setStyle(label, change),
  });
}

function legendOf(elements: Elements): { label: string; count: number; keys: readonly string[] }[] {
  const found = new Map<string, { count: number; keys: Set<string> }>();
  for (const node of elements.nodes.values()) {
    const entry = found.get(labelOf(node)) ?? { count: 0, keys: new Set<string>() };
    entry.count++;
    for (const key of Object.keys(node.properties)) entry.keys.add(key);
    found.set(labelOf(node), entry);
  }
  return [...found].map(([label, { count, keys }]) => ({ label, count, keys: [...keys] })).sort((a, b) => b.count - a.count);
}

interface InspectorProps {
  readonly picked: NonNullable<Picked>;
  readonly onExpand: (id: number) => void;
  readonly onHide: (id: number) => void;
}

function Inspector({ picked, onExpand, onHide }: InspectorProps) {
  const one = 'node' in picked ? picked.node : picked.relationship;
  const names = 'node' in picked ? picked.node.labels : [picked.relationship.type];
  return (
    <aside class="inspector" data-testid="inspector">
      {names.map((name) => <span key={name} class="tag">{name}</span>)} <span class="soft">#{one.id}</span>
      <table><tbody>{Object.entries(one.properties).map(([key, value]) => <tr key={key}><td class="soft">{key}</td><td>{valueText(value)}</td></tr>)}</tbody></table>
      {'node' in picked && (
        <div class="row"><button onClick={() => onExpand(one.id)}>{t('expand')}</button><button onClick={() => onHide(one.id)}>{t('hide')}</button></div>
      )}
    </aside>
  );
}

export function GraphView({ elements, graph }: { readonly elements: Elements; readonly graph: string }) {
  const host = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | undefined>(undefined);
  const [picked, setPicked] = useState<Picked>(undefined);
  const [isLayingOut, setLayingOut] = useState(false);
  const [counts, setCounts] = useState({ nodes: 0, edges: 0 });
  const [legend, setLegend] = useState<ReturnType<typeof legendOf>>([]);

  const show = (): void => {
    const { current } = drawing;
    if (current === undefined) return;
    setCounts({ nodes: current.graph.order, edges: current.graph.size });
    setLegend(legendOf(current.elements));
  };
  const expand = (id: number): void => void tried(async () => {
    const { current } = drawing;
    if (current === undefined) return;
    const added = await current.add(await neighbours(id, graph), id);
    toast(t('expanded', { n: added }));
    show();
    if (added > 0) current.layOut();
  });

  useEffect(() => {
    const current = new Drawing(host.current!, { onPick: setPicked, onExpand: expand, onLayout: setLayingOut });
    drawing.current = current;
    // For tests: what it is doing.
    (host.current as HTMLDivElement & { drawing?: Drawing }).drawing = current;
    setPicked(undefined);
    void tried(async () => {
      await completeEnds(elements, graph);
      await current.add(elements);
      show();
      current.layOut();
    });
    return () => {
      current.destroy();
      drawing.current = undefined;
    };
  }, [elements]);
  useEffect(() => drawing.current?.paint(), [isDark.value]);
  useEffect(() => drawing.current?.restyle(), [styles.value]);

  return (
    <div class="graph-view" data-testid="graph-view" data-nodes={counts.nodes} data-edges={counts.edges} data-layout={isLayingOut ? 'running' : 'resting'}>
      <div ref={host} class="graph-canvas" />
      <div class="legend">
        {legend.slice(0, 12).map(({ label, count, keys }) => (
          <button key={label} onClick={() => editStyle(label, keys)} title={t('legendStyle', { label })}><span class="dot" style={{ '--dot': colorOf(label) }} />{label === '' ? '∅' : label} {number(count)}</button>
        ))}
      </div>
      {picked !== undefined && <Inspector picked={picked} onExpand={expand} onHide={(id) => { drawing.current?.hide(id); setPicked(undefined); show(); }} />}
      <div class="graph-tools">
        <button onClick={() => drawing.current?.fit()}>{t('fit')}</button>
        <button onClick={() => (isLayingOut ? drawing.current?.stopLayout() : drawing.current?.layOut())}>{isLayingOut ? t('layoutStop') : t('layoutStart')}</button>
        <span class="soft">{t('graphCounts', { nodes: number(counts.nodes), edges: number(counts.edges) })} · {elements.nodes.size > NODES_MAX ? t('graphTooLarge', { n: number(NODES_MAX) }) : t('expandHint')}</span>
      </div>
    </div>
  );
}
