import { useEffect } from 'preact/hooks';

/** Calls `work` now and `everyMs` after each end while the page is shown and the component is there. */
export function usePolling(work: () => Promise<void>, everyMs: number, deps: readonly unknown[] = []): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const turn = async (): Promise<void> => {
      if (!document.hidden) await work().catch(() => undefined);
      if (!over) timer = setTimeout(() => void turn(), everyMs);
    };
    void turn();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, deps);
}
