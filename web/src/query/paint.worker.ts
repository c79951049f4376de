/** Paints the graph view where no GPU does: takes scenes and views, and shows the last of them. */
import { Painter } from './scene.ts';
import type { Scene, View } from './scene.ts';

export type PaintOrder = { readonly canvas: OffscreenCanvas } | { readonly scene?: Partial<Scene>; readonly view: View };

let painter: Painter | undefined;
let scene: Scene = { nodes: new Float32Array(), edges: new Float32Array(), hasArrows: false, colors: [] };
let next: View | undefined;

/** Orders that came while a frame was painted are all read before the next one. */
function paint(): void {
  const view = next!;
  next = undefined;
  painter!.paint(scene, view);
}

addEventListener('message', ({ data }: MessageEvent<PaintOrder>) => {
  if ('canvas' in data) {
    painter = new Painter(data.canvas);
    return;
  }
  if (next === undefined) setTimeout(paint);
  scene = { ...scene, ...data.scene };
  next = data.view;
});
