/** What an export gives while it goes through a graph. */
export interface ExportPart {
  /** Within the folder of the graph. */
  readonly path: string;
  readonly text: string;
  /** Vertices and edges so far. */
  readonly elements: number;
}

/** Undefined: there is no part yet, but work was done, and it is time for that of others. */
export type ExportStep = ExportPart | undefined;

/** Characters of a part, about. */
export const PART_CHARS = 64 * 1024;
/** Vertices or edges that are looked at before others get a turn. */
export const TURN_ELEMENTS = 256;
