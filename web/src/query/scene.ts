/**
 * What a frame of the graph view shows, as numbers, and how a 2D canvas paints it: lines, then arrow heads, then discs. Used
 * where no GPU draws; the numbers can be handed to a worker.
 */

/** Places are in the square that sigma keeps the graph in; `matrix` brings them to the view. Sizes and thicknesses are in pixels at no zoom. */
export interface Scene {
  /** x, y, radius, index of its colour; a radius of 0 is hidden. */
  readonly nodes: Float32Array;
  /** x, y, x, y, thickness, index of its colour, radius of the target; a thickness of 0 is hidden. */
  readonly edges: Float32Array;
  readonly hasArrows: boolean;
  readonly colors: readonly string[];
}

export interface View {
  /** In pixels of the page, and how many of the screen one of them is. */
  readonly width: number;
  readonly height: number;
  readonly pixelRatio: number;
  /** From the scene to -1…1, three by three, by columns. */
  readonly matrix: Float32Array;
  /** Sizes are divided by it. */
  readonly sizeRatio: number;
  readonly thicknessMin: number;
  readonly showsEdges: boolean;
}

export const NODE_FIELDS = 4;
export const EDGE_FIELDS = 7;
/** As sigma's arrows: length and half of the width of a head, by the thickness of its line. */
const HEAD_LENGTH = 5;
const HEAD_HALF_WIDTH = 2;
/** Lines in one path: long paths cost more than they have lines. */
const PATH_LINES = 64;
/** Larger discs are drawn and not copied. */
const STAMP_RADIUS_MAX = 32;
const STAMPS_MAX = 500;

/** Place in the view, in pixels, of a place in the scene. */
export function project({ matrix, width, height }: Pick<View, 'matrix' | 'width' | 'height'>, x: number, y: number): [number, number] {
  const [a, b, , c, d, , e, f] = matrix as unknown as [number, number, number, number, number, number, number, number];
  return [(a * x + c * y + e + 1) * width / 2, (1 - (b * x + d * y + f)) * height / 2];
}

export class Painter {
  readonly #canvas: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D;
  /** Discs by colour and radius, drawn once. */
  readonly #stamps = new Map<string, OffscreenCanvas>();

  constructor(canvas: OffscreenCanvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d')!;
  }

  paint(scene: Scene, view: View): void {
    const [width, height] = [Math.max(1, Math.round(view.width * view.pixelRatio)), Math.max(1, Math.round(view.height * view.pixelRatio))];
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    const context = this.#context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.setTransform(view.pixelRatio, 0, 0, view.pixelRatio, 0, 0);
    if (view.showsEdges) this.#lines(scene, view);
    this.#discs(scene, view);
  }

  #lines({ edges, colors, hasArrows }: Scene, view: View): void {
    const context = this.#context;
    let [color, thickness, open] = [-1, -1, 0];
    const heads: number[] = [];
    for (let i = 0; i < edges.length; i += EDGE_FIELDS) {
      if (edges[i + 4] === 0) continue;
      const [x, y] = project(view, edges[i]!, edges[i + 1]!);
      const [tx, ty] = project(view, edges[i + 2]!, edges[i + 3]!);
      if (Math.max(x, tx) < 0 || Math.max(y, ty) < 0 || Math.min(x, tx) > view.width || Math.min(y, ty) > view.height) continue;
      if (edges[i + 5] !== color || edges[i + 4] !== thickness || open === PATH_LINES) {
        if (open > 0) context.stroke();
        [color, thickness, open] = [edges[i + 5]!, edges[i + 4]!, 0];
        context.beginPath();
        context.strokeStyle = colors[color]!;
        context.lineWidth = Math.max(thickness / view.sizeRatio, view.thicknessMin);
      }
      open++;
      context.moveTo(x, y);
      context.lineTo(tx, ty);
      if (hasArrows) heads.push(x, y, tx, ty, edges[i + 6]! / view.sizeRatio, context.lineWidth, color);
    }
    if (open > 0) context.stroke();
    this.#heads(heads, colors);
  }

  #heads(heads: readonly number[], colors: readonly string[]): void {
    const context = this.#context;
    for (let i = 0; i < heads.length; i += 7) {
      const [x, y, tx, ty, radius, thickness, color] = heads.slice(i, i + 7) as [number, number, number, number, number, number, number];
      const length = Math.hypot(tx - x, ty - y);
      if (length <= radius) continue;
      const [ux, uy] = [(tx - x) / length, (ty - y) / length];
      const [tipX, tipY] = [tx - ux * radius, ty - uy * radius];
      const [baseX, baseY] = [tipX - ux * thickness * HEAD_LENGTH, tipY - uy * thickness * HEAD_LENGTH];
      const [sideX, sideY] = [-uy * thickness * HEAD_HALF_WIDTH, ux * thickness * HEAD_HALF_WIDTH];
      context.beginPath();
      context.fillStyle = colors[color]!;
      context.moveTo(tipX, tipY);
      context.lineTo(baseX + sideX, baseY + sideY);
      context.lineTo(baseX - sideX, baseY - sideY);
      context.fill();
    }
  }

  #discs({ nodes, colors }: Scene, view: View): void {
    const context = this.#context;
    for (let i = 0; i < nodes.length; i += NODE_FIELDS) {
      const radius = nodes[i + 2]! / view.sizeRatio;
      if (radius === 0) continue;
      const [x, y] = project(view, nodes[i]!, nodes[i + 1]!);
      if (x < -radius || y < -radius || x > view.width + radius || y > view.height + radius) continue;
      const color = colors[nodes[i + 3]!]!;
      if (radius > STAMP_RADIUS_MAX) {
        context.fillStyle = color;
        disc(context, x, y, radius);
        continue;
      }
      const stamp = this.#stamp(color, radius, view.pixelRatio);
      const half = stamp.width / view.pixelRatio / 2;
      context.drawImage(stamp, x - half, y - half, half * 2, half * 2);
    }
  }

  #stamp(color: string, radius: number, pixelRatio: number): OffscreenCanvas {
    const quarters = Math.max(2, Math.round(radius * pixelRatio * 4));
    const key = `${color} ${quarters}`;
    let stamp = this.#stamps.get(key);
    if (stamp === undefined) {
      if (this.#stamps.size >= STAMPS_MAX) this.#stamps.clear();
      const side = Math.ceil(quarters / 2) + 2;
      stamp = new OffscreenCanvas(side, side);
      const context = stamp.getContext('2d')!;
      context.fillStyle = color;
      disc(context, side / 2, side / 2, quarters / 4);
      this.#stamps.set(key, stamp);
    }
    return stamp;
  }
}

function disc(context: OffscreenCanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
