import { DashboardData, DashboardRange } from '../../../contract/dashboard-data.ts';
import { ApiError, callApi } from '../api/call.ts';
import { keepKey } from '../api/key.ts';
import { byId, make } from '../look/element.ts';
import { originsIn } from './origins.ts';
import { requestChartsIn } from './request-charts.ts';
import { showSummary } from './summary.ts';
import { showTables } from './tables.ts';

const updateMs = 5_000;
const rangeNames: Readonly<Record<DashboardRange, string>> = { '1h': 'Hour', '24h': 'Day', '7d': 'Week' };

const dashboard = byId('dashboard', HTMLDivElement);
const problem = byId('problem', HTMLDivElement);
const keyForm = byId('key-form', HTMLFormElement);
const drawCharts = requestChartsIn(byId('charts', HTMLDivElement));
const drawOrigins = originsIn(byId('origins', HTMLDivElement));

let range: DashboardRange = '1h';
let underWay = new AbortController();
let next: ReturnType<typeof setTimeout> | null = null;

showRanges();
void update();
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && void update());
keyForm.addEventListener('submit', (event) => {
  event.preventDefault();
  keepKey('meshkiln-admin-key', byId('key', HTMLInputElement).value.trim());
  keyForm.hidden = true;
  void update();
});

/** Fetches and shows the range, and does so again while somebody looks; a newer call takes the place of this one. */
async function update(): Promise<void> {
  underWay.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  if (next !== null) clearTimeout(next);
  try {
    const answer = await callApi(`/dashboard/data?range=${range}`, { key: 'meshkiln-admin-key', signal });
    show(DashboardData.parse(await answer.json()));
  } catch (error) {
    if (signal.aborted) return;
    if (showError(error) === 'key needed') return;
  }
  if (document.visibilityState === 'visible') next = setTimeout(() => void update(), updateMs);
}

function show(data: DashboardData): void {
  problem.hidden = true;
  dashboard.hidden = false;
  const { hits, misses, joined, refused } = data.summary;
  byId('empty', HTMLParagraphElement).hidden = hits + misses + joined + refused > 0;
  showSummary(byId('summary', HTMLDListElement), data.summary);
  drawCharts(data);
  drawOrigins(data);
  showTables(data);
  const time = new Date(data.generated_at * 1000).toLocaleTimeString('en-GB');
  byId('updated', HTMLParagraphElement).textContent = `As of ${time}, kept up to date`;
}

/** An edge that is away is asked again; a key has to be typed first. */
function showError(error: unknown): 'key needed' | 'try again' {
  const needsKey = error instanceof ApiError && ['invalid_api_key', 'insufficient_scope'].includes(error.code);
  if (needsKey) {
    keyForm.hidden = false;
    dashboard.hidden = true;
    byId('key', HTMLInputElement).focus();
  }
  const message = error instanceof Error ? error.message : String(error);
  problem.replaceChildren(make('strong', null, message), needsKey ? '' : ' Trying again in a few seconds.');
  problem.hidden = false;
  return needsKey ? 'key needed' : 'try again';
}

function showRanges(): void {
  const buttons = DashboardRange.options.map((option) => {
    const button = make('button', null, rangeNames[option]);
    button.type = 'button';
    button.setAttribute('aria-pressed', String(option === range));
    button.addEventListener('click', () => {
      range = option;
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      void update();
    });
    return button;
  });
  byId('ranges', HTMLDivElement).replaceChildren(...buttons);
}
