/** The label of the node under the hand, on a plate of the theme's colour: sigma's own is white in every theme. */
import type { NodeHoverDrawingFunction } from 'sigma/rendering';
import { isDark } from '../state/settings.ts';

const PADDING = 4;

export const drawHover: NodeHoverDrawingFunction = (context, { x, y, size, label }, settings) => {
  const { labelSize, labelFont, labelWeight } = settings;
  context.font = `${labelWeight} ${labelSize}px ${labelFont}`;
  const [radius, text] = [size + PADDING, label ?? ''];
  const width = text === '' ? 0 : size + 3 + context.measureText(text).width + PADDING;
  context.save();
  context.fillStyle = isDark.value ? '#2a3140' : '#ffffff';
  context.shadowBlur = 8;
  context.shadowColor = isDark.value ? '#000000' : '#00000066';
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  if (width > 0) context.roundRect(x, y - labelSize / 2 - PADDING, width + PADDING, labelSize + 2 * PADDING, PADDING);
  context.fill();
  context.restore();
  context.fillStyle = isDark.value ? '#e4e8f0' : '#1d2330';
  // Where the label stands without the plate.
  context.fillText(text, x + size + 3, y + labelSize / 3);
};
