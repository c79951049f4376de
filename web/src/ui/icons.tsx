/** Line icons, 24 × 24. */
const PATHS = {
  servers: 'M4 5h16v5H4zM4 14h16v5H4zM8 7.5h.01M8 16.5h.01',
  query: 'M4 6l5 6-5 6M12 18h8',
  schema: 'M5 4h6v5H5zM13 15h6v5h-6zM8 9v5q0 3.500 5 3.500',
  import: 'M12 4v10M8 10l4 4 4-4M4 18h16',
  users: 'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3 20c0-4 3-6 6-6s6 2 6 6M16 4.500a3.500 3.500 0 0 1 0 6.500M17 14c2.500.500 4 2.500 4 6',
  tasks: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2',
  metrics: 'M4 20V4M4 20h16M7 15l4-5 3 3 5-7',
  star: 'M12 4l2.400 5.200 5.600.600-4.200 3.800 1.200 5.600L12 16.300 7 19.200l1.200-5.600L4 9.800l5.600-.600z',
  close: 'M6 6l12 12M18 6L6 18',
  keyboard: 'M3 7h18v11H3zM7 11h.01M11 11h.01M15 11h.01M8 14.500h8',
  play: 'M7 5l12 7-12 7z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, filled = false }: { readonly name: IconName; readonly filled?: boolean }) {
  return <svg class={`icon${filled ? ' filled' : ''}`} viewBox="0 0 24 24" aria-hidden="true"><path d={PATHS[name]} /></svg>;
}
