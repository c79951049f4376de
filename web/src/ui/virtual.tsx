/** A list of any length of which only what is in sight is in the page. Rows have one height. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface VirtualProps {
  readonly count: number;
  readonly rowHeight: number;
  readonly row: (index: number) => ComponentChildren;
  readonly head?: ComponentChildren;
  readonly class?: string;
  readonly width?: number | undefined;
}

const MARGIN_ROWS = 10;
/** Browsers clip elements that are taller. */
const HEIGHT_MAX = 10_000_000;

export function VirtualList({ count, rowHeight, row, head, class: name = '', width }: VirtualProps) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setHeight(entry!.contentRect.height));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const shown = Math.min(count, Math.floor(HEIGHT_MAX / rowHeight));
  const first = Math.max(0, Math.min(shown, Math.floor(top / rowHeight)) - MARGIN_ROWS);
  const end = Math.min(shown, Math.ceil((top + height) / rowHeight) + MARGIN_ROWS);
  return (
    <div ref={box} class={`virtual ${name}`} tabIndex={0} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      {head}
      <div class="virtual-space" style={{ height: `${shown * rowHeight}px`, minWidth: `${width ?? 0}px` }}>
        <div class="virtual-rows" style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {Array.from({ length: Math.max(0, end - first) }, (_, i) => row(first + i))}
        </div>
      </div>
    </div>
  );
}
