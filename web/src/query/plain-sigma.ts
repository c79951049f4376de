/**
 * sigma without WebGL, for machines on which no GPU draws: there the browser rasterizes WebGL by the CPU, and its main thread
 * waits for that in every frame, a second and more with some thousand nodes. (Newer browsers have no WebGL at all then.)
 * Here sigma keeps what it does well - the camera, the hand, labels, the state of what is shown - and its "programs" write
 * numbers, from which a worker paints. What the hand points at is computed and not read out of a picture.
 */
import type { AbstractGraph } from 'graphology-types';
import Sigma from 'sigma';
import type { EdgeProgramType, NodeProgramType } from 'sigma/rendering';
import type { Settings } from 'sigma/settings';
import type { EdgeDisplayData, NodeDisplayData, RenderParams } from 'sigma/types';
import type { PaintOrder } from './paint.worker.ts';
import { EDGE_FIELDS, NODE_FIELDS, project } from './scene.ts';

/** Pixels beside a line that still are the line, for a hand. */
const EDGE_REACH = 3;

const BY_CPU = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** Does a GPU draw WebGL? Browsers are asked to give none that is slow, and who draws it, as some do not know that they are. */
function looksForGpu(): boolean {
  const context = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  if (context === null) return false;
  const names = context.getExtension('WEBGL_debug_renderer_info');
  const name = String(context.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER));
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return !BY_CPU.test(name);
}

/** Found out when this module comes, which is before there is anything to draw. */
export const hasGpu = looksForGpu();

/** Rows of numbers that sigma fills one by one, and the number under which sigma knows each. */
class Rows {
  readonly #fields: number;
  values = new Float32Array();
  keys = new Uint32Array();
  isChanged = true;
  isShown = false;

  constructor(fields: number) {
    this.#fields = fields;
  }

  resize(count: number): void {
    if (this.keys.length !== count) [this.values, this.keys] = [new Float32Array(count * this.#fields), new Uint32Array(count)];
    this.isChanged = true;
  }

  set(i: number, key: number, row: readonly number[]): void {
    this.values.set(row, i * this.#fields);
    this.keys[i] = key;
    this.isChanged = true;
  }
}

class Palette {
  readonly #indexes = new Map<string, number>();
  readonly names: string[] = [];

  of(color: string): number {
    let index = this.#indexes.get(color);
    if (index === undefined) {
      index = this.names.push(color) - 1;
      this.#indexes.set(color, index);
    }
    return index;
  }
}

/** What sigma keeps to itself and this class stands in for. */
interface Inside {
  webGLContexts: Record<string, unknown>;
  itemIDsIndex: Readonly<Record<number, { readonly id: string } | undefined>>;
  getNodeAtPosition: (at: { x: number; y: number }) => string | null;
  getEdgeAtPoint: (x: number, y: number) => string | null;
}

/** The few calls that sigma itself makes outside its programs. */
const NO_WEBGL = { COLOR_BUFFER_BIT: 0, bindFramebuffer() {}, clear() {}, viewport() {}, getExtension: () => null };

function programs(nodes: Rows, edges: Readonly<Record<'arrow' | 'line', Rows>>, palette: Palette) {
  class Nodes {
    readonly drawLabel = undefined;
    readonly drawHover = undefined;
    kill(): void {}
    reallocate(count: number): void {
      nodes.resize(count);
    }

    process(key: number, i: number, { x, y, size, color, hidden }: NodeDisplayData): void {
      nodes.set(i, key, [x, y, hidden ? 0 : size, palette.of(color)]);
    }

    render(): void {
      nodes.isShown = true;
    }
  }

  /** The node under the hand, above its label. */
  class HoveredNodes extends Nodes {
    readonly #sigma: Sigma;
    #nodes: NodeDisplayData[] = [];

    constructor(_gl: WebGLRenderingContext, _buffer: WebGLFramebuffer | null, sigma: Sigma) {
      super();
      this.#sigma = sigma;
    }

    override reallocate(): void {
      this.#nodes = [];
    }

    override process(_key: number, i: number, node: NodeDisplayData): void {
      this.#nodes[i] = node;
    }

    override render(): void {
      const context = this.#sigma.getCanvases().hovers!.getContext('2d')!;
      for (const node of this.#nodes) {
        const { x, y } = this.#sigma.framedGraphToViewport(node);
        context.beginPath();
        context.arc(x, y, this.#sigma.scaleSize(node.size), 0, 2 * Math.PI);
        context.fillStyle = node.color;
        context.fill();
      }
    }
  }

  const edgesOf = (rows: Rows) => class {
    readonly drawLabel = undefined;
    kill(): void {}
    reallocate(count: number): void {
      rows.resize(count);
    }

    process(key: number, i: number, from: NodeDisplayData, to: NodeDisplayData, { size, color, hidden }: EdgeDisplayData): void {
      rows.set(i, key, [from.x, from.y, to.x, to.y, hidden || from.hidden || to.hidden ? 0 : size, palette.of(color), to.size]);
    }

    render(): void {
      rows.isShown = true;
    }
  };
  return {
    nodeProgramClasses: { circle: Nodes as NodeProgramType }, nodeHoverProgramClasses: { circle: HoveredNodes as NodeProgramType },
    edgeProgramClasses: { arrow: edgesOf(edges.arrow) as EdgeProgramType, line: edgesOf(edges.line) as EdgeProgramType },
  };
}

export class PlainSigma extends Sigma {
  readonly #nodes: Rows;
  readonly #edges: { readonly arrow: Rows; readonly line: Rows };
  readonly #palette: Palette;
  readonly #worker = new Worker(new URL('./paint.worker.ts', import.meta.url), { type: 'module' });
  #params: RenderParams;

  constructor(graph: AbstractGraph, host: HTMLElement, settings: Partial<Settings>) {
    const [nodes, edges, palette] = [new Rows(NODE_FIELDS), { arrow: new Rows(EDGE_FIELDS), line: new Rows(EDGE_FIELDS) }, new Palette()];
    super(graph, host, { ...settings, ...programs(nodes, edges, palette) });
    [this.#nodes, this.#edges, this.#palette] = [nodes, edges, palette];
    this.#params = this.getRenderParams();
    const canvas = document.createElement('canvas');
    canvas.className = 'painted';
    host.querySelector('.sigma-edges')!.append(canvas);
    const offscreen = canvas.transferControlToOffscreen();
    this.#order({ canvas: offscreen }, [offscreen]);
    const inside = this as unknown as Inside;
    inside.getNodeAtPosition = ({ x, y }) => this.#known(this.#nodes, this.#nodeAt(x, y));
    inside.getEdgeAtPoint = (x, y) => this.#known(this.#shown, this.#edgeAt(x, y));
    this.on('beforeRender', () => {
      for (const rows of [this.#nodes, edges.arrow, edges.line]) rows.isShown = false;
    });
    this.on('afterRender', () => this.#paint());
    this.on('kill', () => this.#worker.terminate());
  }

  /** A layer that nobody draws on, where there would be one of WebGL. */
  override createWebGLContext(id: string): WebGLRenderingContext {
    this.createLayer(id, 'div', {} as never);
    (this as unknown as Inside).webGLContexts[id] = NO_WEBGL;
    return NO_WEBGL as unknown as WebGLRenderingContext;
  }

  /** All edges are of one kind at a time. */
  get #shown(): Rows {
    return this.#edges.arrow.keys.length > 0 ? this.#edges.arrow : this.#edges.line;
  }

  #known(rows: Rows, i: number): string | null {
    return i < 0 ? null : (this as unknown as Inside).itemIDsIndex[rows.keys[i]!]?.id ?? null;
  }

  #order(order: PaintOrder, transfer: Transferable[]): void {
    this.#worker.postMessage(order, transfer);
  }

  #paint(): void {
    const [nodes, edges] = [this.#nodes, this.#shown];
    const params = this.getRenderParams();
    this.#params = params;
    const scene: { nodes?: Float32Array; edges?: Float32Array; hasArrows: boolean; colors: readonly string[] } = { hasArrows: edges === this.#edges.arrow, colors: this.#palette.names };
    if (nodes.isChanged) scene.nodes = nodes.values.slice();
    if (this.#edges.arrow.isChanged || this.#edges.line.isChanged) scene.edges = edges.values.slice();
    nodes.isChanged = this.#edges.arrow.isChanged = this.#edges.line.isChanged = false;
    const { width, height, pixelRatio, sizeRatio, minEdgeThickness } = params;
    const view = { width, height, pixelRatio, sizeRatio, thicknessMin: minEdgeThickness, matrix: params.matrix.slice(), showsEdges: edges.isShown };
    this.#order({ scene, view }, [scene.nodes?.buffer, scene.edges?.buffer].filter((buffer) => buffer !== undefined) as ArrayBuffer[]);
  }

  /** The topmost node at a place of the view. */
  #nodeAt(x: number, y: number): number {
    const { values } = this.#nodes;
    for (let i = values.length - NODE_FIELDS; i >= 0; i -= NODE_FIELDS) {
      const radius = values[i + 2]! / this.#params.sizeRatio;
      const [nx, ny] = project(this.#params, values[i]!, values[i + 1]!);
      if (radius > 0 && (nx - x) ** 2 + (ny - y) ** 2 <= radius ** 2) return i / NODE_FIELDS;
    }
    return -1;
  }

  #edgeAt(x: number, y: number): number {
    const { values } = this.#shown;
    for (let i = values.length - EDGE_FIELDS; i >= 0; i -= EDGE_FIELDS) {
      if (values[i + 4] === 0) continue;
      const [ax, ay] = project(this.#params, values[i]!, values[i + 1]!);
      const [bx, by] = project(this.#params, values[i + 2]!, values[i + 3]!);
      const [dx, dy] = [bx - ax, by - ay];
      const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
      if ((ax + along * dx - x) ** 2 + (ay + along * dy - y) ** 2 <= EDGE_REACH ** 2) return i / EDGE_FIELDS;
    }
    return -1;
  }
}
