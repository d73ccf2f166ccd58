import type { DashboardData } from '../../../contract/dashboard-data.ts';
import { byId, make } from '../look/element.ts';
import { ago, bytes, count, duration } from '../look/figures.ts';

type Cell = string | Node;
type Table = { place: string; heads: readonly string[]; rows: readonly Cell[][]; empty: string };

/** Shows what is told by rows: meshes, failures, routes and error codes. */
export function showTables(data: DashboardData): void {
  for (const table of tablesOf(data)) byId(table.place, HTMLDivElement).replaceChildren(tableOf(table));
}

function tablesOf({
  top_meshes: meshes,
  failures,
  requests_by_route: routes,
  errors,
  generated_at: now,
}: DashboardData) {
  return [
    {
      place: 'top',
      heads: ['Mesh', 'Asked for', 'Model', 'Format', 'Size', 'GPU time', 'Last'],
      rows: meshes.map((mesh) => [
        mesh.scope === 'shared' ? meshLink(mesh.id) : `${mesh.id.slice(0, 13)}… (private)`,
        count(mesh.uses),
        mesh.model,
        mesh.output_format.toUpperCase(),
        bytes(mesh.bytes),
        duration(mesh.gpu_ms),
        ago(mesh.last_used_at, now),
      ]),
      empty: 'No mesh is stored yet.',
    },
    {
      place: 'failures',
      heads: ['When', 'Code', 'What', 'Cause', 'Origin'],
      rows: failures.map(({ at, code, message, cause, origin }) => [
        ago(at, now),
        make('code', null, code),
        message,
        cause ?? '–',
        origin ?? '–',
      ]),
      empty: 'None. Nothing has failed lately.',
    },
    {
      place: 'routes',
      heads: ['Route', 'Status', 'Requests'],
      rows: routes.map(({ method, route, status, count: requests }) => [
        make('code', null, `${method} ${route}`),
        status,
        count(requests),
      ]),
      empty: 'No request in this time.',
    },
    {
      place: 'errors',
      heads: ['Code', 'Answers'],
      rows: errors.map(({ code, count: answers }) => [make('code', null, code), count(answers)]),
      empty: 'No error in this time.',
    },
  ] satisfies Table[];
}

function tableOf({ heads, rows, empty }: Table): HTMLElement {
  if (rows.length === 0) return make('p', 'soft', empty);
  const head = make('tr', null, ...heads.map((name) => make('th', null, name)));
  const body = rows.map((cells) => make('tr', null, ...cells.map((cell) => make('td', null, cell))));
  return make('table', null, make('thead', null, head), make('tbody', null, ...body));
}

function meshLink(id: string): HTMLElement {
  const link = make('a', 'figure', `${id.slice(0, 13)}…`);
  link.href = `/m/${id}`;
  return link;
}
