import type { DashboardData } from '../../../contract/dashboard-data.ts';
import { make } from '../look/element.ts';
import { ago, bytes, count, share, shortCount } from '../look/figures.ts';
import { Chart } from './chart.ts';

type Origin = DashboardData['origins'][number];
type OriginPanel = { section: HTMLElement; update: (origin: Origin, data: DashboardData) => void };

/** Shows each origin in a panel of its own; what it gives back draws them anew. */
export function originsIn(place: HTMLElement): (data: DashboardData) => void {
  const panels = new Map<string, OriginPanel>();
  return (data) => {
    for (const origin of data.origins) {
      const panel = panels.get(origin.id) ?? originPanel(origin.id);
      panels.set(origin.id, panel);
      if (panel.section.parentElement === null) place.appendChild(panel.section);
      panel.update(origin, data);
    }
    if (data.origins.length === 0) place.replaceChildren(make('p', 'soft', 'No origin has reported yet.'));
    else place.querySelector(':scope > p')?.remove();
  };
}

function originPanel(id: string): OriginPanel {
  const state = make('span', 'state');
  const facts = make('dl', 'facts');
  const load = new Chart({ title: 'Busy', series: ['GPU lanes', 'GPU, by the card'], max: 1, format: share });
  const memory = new Chart({ title: 'GPU memory', series: ['used'], max: 1, format: share });
  const queue = new Chart({ title: 'Queue', series: ['jobs'], format: shortCount });
  const charts = make('div', 'charts', load.figure, queue.figure, memory.figure);
  const section = make('section', 'origin', make('h3', null, id, ' ', state), facts, charts);
  return {
    section,
    update(origin, { timeline: { at }, generated_at: now }) {
      state.textContent = origin.up ? origin.state : `silent, last heard of ${ago(origin.reported_at, now)}`;
      state.dataset.up = String(origin.up && origin.state === 'ready');
      facts.replaceChildren(...factsOf(origin, now));
      const { timeline } = origin;
      load.update(at, [timeline.lane_busy, timeline.gpu_utilisation]);
      queue.update(at, [timeline.queue_depth]);
      memory.update(at, [timeline.gpu_memory]);
      memory.figure.hidden = origin.gpus.length === 0;
    },
  };
}

function factsOf(origin: Origin, nowSeconds: number): HTMLElement[] {
  const { jobs } = origin;
  const facts: [string, string][] = [
    ['Queue', `${count(origin.queue_depth)} of ${count(origin.queue_capacity)}`],
    [
      'Lanes',
      origin.lanes.map(({ device, provider, state }) => `${device} ${provider}, ${state}`).join('; ') || 'none',
    ],
    ['Jobs done', `${count(jobs.completed)} of ${count(jobs.accepted)}, ${count(jobs.failed)} failed`],
    ['Results waiting', count(origin.outbox_entries)],
    ['Started', ago(origin.started_at, nowSeconds)],
    ...origin.gpus.map(({ name, utilisation, ...gpu }): [string, string] => [
      name,
      `${share(utilisation)}, ${bytes(gpu.memory_used_bytes)} of ${bytes(gpu.memory_total_bytes)}, ${gpu.temperature_celsius} °C`,
    ]),
  ];
  return facts.map(([term, value]) => make('div', null, make('dt', null, term), make('dd', 'figure', value)));
}
