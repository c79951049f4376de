/** Charts over time, a line for each server. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { t } from '../i18n/index.ts';
import type { TextKey } from '../i18n/index.ts';
import { shownSpan } from '../state/chart-span.ts';
import { exported, moments, sample, SAMPLE_MS, samples, series } from '../state/metrics.ts';
import { usePolling } from '../state/poll.ts';
import { isDark } from '../state/settings.ts';

const CHARTS: readonly (readonly [name: string, title: TextKey])[] = [
  ['throughput', 'mThroughput'], ['commits', 'mCommits'], ['lag', 'mLag'], ['running', 'mRunning'], ['memory', 'mMemory'], ['cpu', 'mCpu'],
];
const COLOURS = ['#4f6bed', '#e0803a', '#2a9d6c', '#c5468f', '#8a5cd6', '#c9a227', '#2e9fb8'];
const HEIGHT = 190;
const scales: uPlot.Scales = {
  x: { range: (chart, low, high) => shownSpan(chart.data[0], low, high) },
  y: { range: (_, low, high) => [Math.min(0, low), Math.max(1, high * 1.1)] },
};

function Chart({ name, title }: { readonly name: string; readonly title: string }) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const byServer = series.get(name);
  const servers = [...byServer?.keys() ?? []];
  const shape = `${servers.join()} ${isDark.value}`;
  useEffect(() => {
    const element = host.current!;
    const ink = isDark.value ? '#98a2b5' : '#5f6878';
    const grid = { stroke: isDark.value ? '#2d3442' : '#e5e8ee', width: 1 };
    const axis = { stroke: ink, grid, ticks: grid, font: '11px system-ui' };
    const made = new uPlot({
      width: element.clientWidth, height: HEIGHT, axes: [axis, { ...axis, size: 56 }], scales, cursor: { points: { size: 6 } },
      series: [{}, ...servers.map((server, i) => ({ label: server, stroke: COLOURS[i % COLOURS.length]!, width: 2, value: (_: uPlot, value: number | null) => (value === null ? '–' : String(Math.round(value * 100) / 100)) }))],
    }, [[...moments], ...servers.map((server) => [...byServer?.get(server) ?? []])], element);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [shape]);
  useEffect(() => chart.current?.setData([[...moments], ...servers.map((server) => [...byServer?.get(server) ?? []])]), [samples.value]);
  return <section class="card"><h2>{title}</h2><div ref={host} data-testid="chart" /></section>;
}

export function MetricsPage() {
  const [other, setOther] = useState('');
  usePolling(sample, SAMPLE_MS);
  // Read here, so that each sample draws.
  if (samples.value === 0) return <p class="soft">{t('loading')}</p>;
  return (
    <>
      <div class="row page-head">
        <h1>{t('metricsTitle')}</h1><span class="soft">{t('mSince', { s: SAMPLE_MS / 1000 })}</span>
        <span class="grow" />
        {exported.value.length > 0 && (
          <label class="check">{t('mAny')}<select value={other} onChange={(event) => setOther(event.currentTarget.value)}><option value="">{t('mChoose')}</option>{exported.value.map((name) => <option key={name}>{name}</option>)}</select></label>
        )}
      </div>
      <div class="charts">
        {other !== '' && <Chart key={other} name={other} title={other} />}
        {CHARTS.map(([name, title]) => <Chart key={name} name={name} title={t(title)} />)}
      </div>
    </>
  );
}
